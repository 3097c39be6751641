import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { containerTree } from '../../src/contract/container.ts'
import { createReport } from '../../src/runtime/report.ts'
import { createMetricTeller } from '../../src/runtime/tell-metrics.ts'
import { readResults } from '../helpers/runtime.ts'

function teller(t: Test) {
  const tree = containerTree(t.testdir())
  const report = createReport(tree, () => {})
  const log = new PassThrough({ encoding: 'utf8' })
  report.value.run = {
    id: 'run-1',
    experimentId: '0',
    experimentName: null,
    name: null,
    trackingUri: 'http://tracking:5000',
    status: 'RUNNING'
  }
  return { tree, report, log, printed: () => log.read() as string | null }
}

const atStart = () => false

t.test('metrics go into the report, and into the log those that have changed', async t => {
  const { tree, report, log, printed } = teller(t)
  const tell = createMetricTeller({ report, log })

  await tell({ loss: 1, gap: 'NaN' }, atStart)
  await tell({ loss: 0.5, gap: 'NaN' }, atStart)

  t.strictSame(readResults(tree).report.metrics, { gap: 'NaN', loss: 0.5 })
  t.equal(
    printed(),
    'mlflow-jobs-metrics: {"run":"run-1","metrics":{"gap":"NaN","loss":1}}\n' +
      'mlflow-jobs-metrics: {"run":"run-1","metrics":{"loss":0.5}}\n'
  )
})

t.test('a line that comes in two pieces is not broken', async t => {
  const { report, log, printed } = teller(t)
  const tell = createMetricTeller({ report, log })
  let isMidLine = true
  log.write('Epoch 1')

  const told = tell({ loss: 1 }, () => isMidLine)
  log.write(' is done\n')
  isMidLine = false
  await told

  t.match(printed(), /^Epoch 1 is done\nmlflow-jobs-metrics: .*\n$/)
})

t.test('a progress bar that does not end holds nothing back', async t => {
  const { report, log, printed } = teller(t)
  const tell = createMetricTeller({ report, log })
  log.write('\r 50%')

  await tell({ loss: 1 }, () => true)

  t.match(printed(), /^\r 50%\nmlflow-jobs-metrics: .*\n$/)
})

t.test('a report that cannot be written fails nothing', async t => {
  const { report, log } = teller(t)
  const tree = containerTree('/dev/null/no-folder')
  const failing = createReport(tree, () => {})
  failing.value.run = report.value.run

  await t.resolves(createMetricTeller({ report: failing, log })({ loss: 1 }, atStart))
})
