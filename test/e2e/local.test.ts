import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { extract } from 'tar'
import type { Provenance } from '../../src/server/routes/present-provenance.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import { testFolder } from '../helpers/folder.ts'
import { pack, packFolder, waitingProject, watchedProject } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const examples = join(import.meta.dirname, '../../examples')

t.test('an example is trained, and its model, metrics and log are there', async t => {
  const { submit, ended, url, dataDir, log } = await testService(t)

  const { id } = await submit({
    project: await packFolder(join(examples, 'wine-quality')),
    parameters: { alpha: 0.5 }
  })
  const job = await ended(id)

  t.match(job, {
    status: 'succeeded',
    terminal: true,
    failure: null,
    run: { id: /^[0-9a-f]{32}$/ }
  })
  t.same(
    job.transitions.map(({ status }) => status),
    ['queued', 'starting', 'running', 'succeeded']
  )
  t.ok(Object.keys(job.metrics).length > 0, 'it has metrics')
  t.ok(job.model?.loggedModels[0], 'it has a logged model')
  while ((await readdir(join(dataDir, 'jobs', id))).includes('local')) await sleep(50)
  t.match(await log(id), '=== Run')

  const response = await fetch(`${url}/jobs/${id}/model`)
  const folder = join(dataDir, 'downloaded')
  await mkdir(folder)
  const archive = join(folder, 'model.tar.gz')
  await writeFile(archive, Buffer.from(await response.arrayBuffer()))
  await extract({ file: archive, cwd: folder })
  const { items } = (await (await fetch(`${url}/jobs/${id}/model/files`)).json()) as {
    items: { path: string; sha256: string }[]
  }
  t.ok(items.length > 0)
  for (const { path, sha256 } of items)
    t.equal(
      createHash('sha256')
        .update(await readFile(join(folder, path)))
        .digest('hex'),
      sha256
    )
})

const raising = {
  MLproject: `name: raising
entry_points:
  main:
    parameters: {alpha: float}
    command: python train.py {alpha}
`,
  'train.py': `import sys
from helper import check
check(float(sys.argv[1]))
`,
  'helper.py': `def check(alpha):
    if alpha > 1:
        raise ValueError("bad alpha")
`
}

t.test('a job that raises says the exception, with file and line', async t => {
  const { submit, ended } = await testService(t)

  const { id } = await submit({ project: await pack(raising), parameters: { alpha: 2 } })
  const job = await ended(id)

  t.equal(job.status, 'failed')
  t.match(job.failure, {
    kind: 'user',
    type: 'ValueError',
    message: 'bad alpha',
    file: 'helper.py',
    line: 3,
    traceback: /Traceback .*ValueError: bad alpha/s,
    exitCode: 1
  })
  t.equal(await runStatus(job.run), 'FAILED')
})

t.test('a job that is stopped keeps what it had logged', async t => {
  const { submit, ended, logged, url } = await testService(t)
  const { id } = await submit({ project: await pack(waitingProject) })
  await logged(id, 'waiting')

  const stop = await fetch(`${url}/jobs/${id}/stop`, { method: 'POST' })
  const job = await ended(id)

  t.equal(stop.status, 202)
  t.match(job, { status: 'stopped', failure: { kind: 'stopped' }, metrics: { before: 1 } })
  t.same(
    job.transitions.map(({ status }) => status),
    ['queued', 'starting', 'running', 'stopping', 'stopped']
  )
  const files = await (await fetch(`${url}/jobs/${id}/model/files`)).json()
  t.match(files, { items: [{ path: 'mlflow_run_artifacts/notes.txt' }] })
  t.equal(await runStatus(job.run), 'KILLED')
})

t.test('a job goes on while the service is away, and the next one finds it', async t => {
  const first = await testService(t)
  const slow = {
    ...waitingProject,
    'wait.py': 'import time\nprint("one", flush=True)\ntime.sleep(3)\nprint("two")\n'
  }
  const { id } = await first.submit({ project: await pack(slow) })
  await first.logged(id, 'one')

  await first.close()
  const second = await testService(t, { DATA_DIR: first.dataDir })
  const job = await second.ended(id)

  t.match(job, { status: 'succeeded', warnings: [/logged no metric/] })
  t.match(await second.log(id), /one\n.*two\n/s)
})

t.test("a job sees nothing of the service's own environment", async t => {
  const { submit, ended, log } = await testService(t, { SERVICE_SECRET: 'canary' })
  const printing = {
    ...waitingProject,
    'wait.py': 'import os\nfor name in sorted(os.environ): print(f"{name}={os.environ[name]}")\n'
  }

  const { id } = await submit({
    project: await pack(printing),
    environment: { MODE: 'fast' }
  })
  await ended(id)

  const text = await log(id)
  t.match(text, 'MODE=fast')
  t.match(text, `TRAINING_JOB_NAME=${id}`)
  t.match(text, /SM_MODEL_DIR=.*\/ml\/model/)
  t.notMatch(text, /canary|SERVICE_SECRET|MLFLOW_JOBS_|UV_CACHE_DIR|PIP_/)
})

t.test('parameters reach the program byte for byte', async t => {
  const { submit, ended, log } = await testService(t)
  const names = ['a', 'b', 'c', 'd', 'e']
  const echo = {
    MLproject: `entry_points:
  main:
    parameters: {${names.map(name => `${name}: string`).join(', ')}}
    command: python echo.py ${names.map(name => `{${name}}`).join(' ')}
`,
    'echo.py': 'import sys, json\nprint("GOT", json.dumps(sys.argv[1:]))\n'
  }
  const texts = ['-x $(id) `id` ;', 'line\nline "quoted" \'quoted\'', 'ünï — 漢字 🎈']

  const { id } = await submit({
    project: await pack(echo),
    parameters: `{"a":${JSON.stringify(texts[0])},"b":${JSON.stringify(texts[1])},"c":${JSON.stringify(texts[2])},"d":1.0,"e":1e-5}`
  })
  await ended(id)

  const got = /GOT (.*)/.exec(await log(id))?.[1] ?? '[]'
  t.same(JSON.parse(got), [...texts, '1.0', '1e-5'])
})

t.test('the metrics of a job are there while it runs, and in the end what it ran with', async t => {
  const folder = testFolder(t)
  const { submit, get, ended, url } = await testService(t, { DATA_DIR: join(folder, 'data') })
  const answer = async (id: string, path: string) =>
    (await fetch(`${url}/jobs/${id}/${path}`)).json()
  const go = join(folder, 'go')
  await mkdir(go)
  const { id } = await submit({ project: await pack(watchedProject), parameters: { folder: go } })

  while (!('loss' in (await get(id)).metrics)) await sleep(100)
  const running = await get(id)
  t.match(running, { status: 'running', metrics: { loss: 1, gap: 'NaN' } })
  t.match(await answer(id, 'metrics'), { metrics: { loss: 1, gap: 'NaN' }, history: {} })
  t.match(await answer(id, 'provenance'), { run: { id: running.run?.id }, environment: null })
  await writeFile(join(go, id), '')
  const job = await ended(id)

  t.match(job, { status: 'succeeded', metrics: { loss: 0.5, late: 1 } })
  t.match(await answer(id, 'metrics'), {
    history: { loss: [{ value: 1 }, { value: 0.5 }], gap: [{ value: 'NaN' }] }
  })
  const provenance = (await answer(id, 'provenance')) as Provenance
  t.match(provenance, {
    project: { digest: job.project.digest },
    command: 'python train.py {folder}',
    environment: { manager: 'local', digest: /^sha256:/ }
  })
  t.match(await runTags(job.run), {
    'mlflow-jobs.job': id,
    'mlflow-jobs.project': job.project.digest,
    'mlflow-jobs.backend': 'local',
    'mlflow-jobs.service.version': provenance.service.version,
    'mlflow-jobs.environment.digest': provenance.environment?.digest
  })
})

async function runTags(run: Job['run']): Promise<Record<string, string>> {
  const { tags } = (await readRun(run)).data
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}

const runStatus = async (run: Job['run']) => (await readRun(run)).info.status

interface MlflowRun {
  info: { status: string }
  data: { tags: { key: string; value: string }[] }
}

async function readRun(run: Job['run']): Promise<MlflowRun> {
  const url = `${run?.trackingUri}/api/2.0/mlflow/runs/get?run_id=${run?.id}`
  return ((await (await fetch(url)).json()) as { run: MlflowRun }).run
}
