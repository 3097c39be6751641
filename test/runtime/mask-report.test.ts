import t from 'tap'
import { emptyReport } from '../../src/contract/empty-report.ts'
import { createMask } from '../../src/contract/mask.ts'
import type { RunReport } from '../../src/contract/run-report.ts'
import { maskReport } from '../../src/runtime/mask-report.ts'

const named = 'of hunter22'

t.test('what a program names after a secret has its name masked', async t => {
  const report: RunReport = {
    ...emptyReport(),
    metrics: { [named]: 1, loss: 2 },
    metricHistory: { [named]: [{ value: 1, step: 0, at: '2026-01-01T00:00:00.000Z' }] },
    params: { [named]: 'hunter22' },
    tags: { [named]: 'x' },
    childRuns: [
      {
        id: 'b',
        parentId: 'a',
        name: named,
        status: 'FINISHED',
        entryPoint: null,
        metrics: { [named]: 1 },
        params: { [named]: 'y' }
      }
    ],
    models: [{ name: named, modelId: null, runId: 'a', path: 'models/plain' }]
  }
  const masked = maskReport(report, createMask(['hunter22']))
  t.notMatch(JSON.stringify(masked), 'hunter22')
  t.same(masked.metrics, { 'of ***': 1, loss: 2 })
  t.match(masked.models, [{ name: 'of ***', path: 'models/plain' }])
})

t.test('names of files stay: they are those of the archive', async t => {
  const path = 'models/hunter22'
  const report: RunReport = {
    ...emptyReport(),
    models: [{ name: 'm', modelId: null, runId: 'a', path }],
    files: [{ path: `${path}/MLmodel`, sizeBytes: 1, sha256: '0'.repeat(64) }]
  }
  t.same(maskReport(report, createMask(['hunter22'])), report)
})

t.test('a secret that is a word of the report leaves its shape', async t => {
  const report = { ...emptyReport(), metrics: { metrics: 1 } }
  t.same(maskReport(report, createMask(['metrics'])), { ...report, metrics: { '***': 1 } })
})
