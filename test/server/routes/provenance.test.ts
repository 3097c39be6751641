import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { emptyReport } from '../../../src/contract/empty-report.ts'
import type { RunReport } from '../../../src/contract/run-report.ts'
import type { TreeFile } from '../../../src/server/projects/index.ts'
import { reportKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

const url = '/jobs/job-a/provenance'

t.test('before its end a job’s provenance is what is known of it', async t => {
  const { app, store } = await testApp(t)
  const parameters = { alpha: '1.0' }
  const defaults = { alpha: '2', l1_ratio: '0.1' }
  await store.insert(aJob({ id: 'job-a', parameters, defaults, rerunOf: 'job-b' }))

  const response = await app.inject(url)

  t.equal(response.statusCode, 200)
  t.match(response.body, '"parameters":{"alpha":1.0,"l1_ratio":0.1}')
  t.strictSame(response.json(), {
    job: 'job-a',
    rerunOf: 'job-b',
    batch: null,
    project: { ...aJob().project, files: null },
    entryPoint: 'main',
    command: null,
    parameters: { alpha: 1, l1_ratio: 0.1 },
    defaults: ['l1_ratio'],
    environment: null,
    runtime: null,
    service: { version: '0.1.0' },
    run: null,
    backend: { name: 'local', status: null, details: {} },
    resources: { maxRuntimeSeconds: 600 },
    inputs: { train: 's3://wine/train/' },
    createdAt: aJob().createdAt,
    startedAt: null,
    endedAt: null,
    phases: []
  })
})

const phase = { name: 'program', startedAt: '2026-01-02T03:04:06.000Z', seconds: 1.5 }
const built = { manager: 'uv', python: '3.11.9', reused: true, seconds: 0.1 } as const

/** The provenance of an ended job that has left such a report. */
async function provenance(t: Parameters<typeof testApp>[0], report: Partial<RunReport>) {
  const { app, store, storage, folder } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'succeeded' }))
  const file = join(folder, 'report')
  await writeFile(file, JSON.stringify({ ...emptyReport(), ...report }))
  await storage.put(reportKey('job-a'), file)
  return (await app.inject(url)).json()
}

t.test('an ended job’s has what its program ran with', async t => {
  const packages = [{ name: 'numpy', version: '2.3.1' }]
  const file = { path: 'conda.yaml', digest: `sha256:${'0'.repeat(64)}` }
  const runtime = { version: '0.1.0', image: null, os: 'linux', arch: 'x64' }

  const answer = await provenance(t, {
    command: 'python train.py {alpha}',
    environment: { ...built, packages, file },
    runtime,
    phases: [phase]
  })

  t.match(answer, {
    command: 'python train.py {alpha}',
    environment: {
      manager: 'uv',
      python: '3.11.9',
      packages,
      digest: /^sha256:[0-9a-f]{64}$/,
      file
    },
    runtime,
    phases: [phase]
  })
})

t.test('a report of an earlier runtime has no lock', async t => {
  const answer = await provenance(t, { environment: built })

  t.match(answer, {
    environment: { manager: 'uv', packages: null, digest: null, file: null },
    runtime: null,
    command: null
  })
})

t.test('it lists the files that the project’s digest is of', async t => {
  const { app } = await testApp(t)
  const files = { ...simpleProject, 'a-b': '', 'a/b': '', ü: 'é' }
  const payload = form({ project: await pack(files), parameters: { alpha: 1 } })
  const { links } = (await app.inject({ method: 'POST', url: '/jobs', payload })).json()

  const { project } = (await app.inject(links.provenance)).json()

  const listed: TreeFile[] = project.files
  t.strictSame(listed.map(({ path }) => path).toSorted(), Object.keys(files).toSorted())
  const lines = listed.map(
    ({ path, executable, sizeBytes, sha256 }) =>
      `${path}\0${executable ? 'x' : '-'}\0${sizeBytes}\0${sha256}\n`
  )
  t.equal(project.digest, `sha256:${hash('sha256', lines.join(''))}`)
})

t.test('a job that is not there has no provenance', async t => {
  const { app } = await testApp(t)

  const response = await app.inject(url)

  t.equal(response.statusCode, 404)
  t.match(response.json(), { code: 'JOB_NOT_FOUND' })
})
