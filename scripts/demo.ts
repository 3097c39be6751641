/**
 * npm run demo: the whole way once. Starts the service, submits an example project as curl -F does, follows its log,
 * prints its metrics, downloads the model, and predicts with it.
 */
import { once } from 'node:events'
import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs, styleText } from 'node:util'
import { execa } from 'execa'
import { create, extract } from 'tar'
import { readConfig } from '../src/server/config.ts'
import type { Job } from '../src/server/routes/schemas.ts'
import { createService, type Service } from '../src/server/service.ts'
import { cacheFolder, prepareTraining } from './training.ts'

const usage = `npm run demo [-- --keep]

Trains examples/wine-quality through the service and predicts with the model.

  --keep   leaves the service running at the end, to look around; Ctrl-C ends it

DATA_DIR (by default a folder mlflow-jobs in the user's cache) holds the training environment
and everything else that the demo keeps; PORT is the service's port (by default a free one).`

const root = join(import.meta.dirname, '..')
const example = join(root, 'examples', 'wine-quality')
const parameters = '{"alpha":0.5}'

/** Where npm start listens. */
const address8080 = 'localhost:8080'

/** Loads the model as anybody would, and takes the first row of the example that it was saved with. */
const predictRow = `
import sys, mlflow
path = sys.argv[1]
row = mlflow.models.Model.load(path).load_input_example(path)[:1]
print(row.to_string(index=False))
print("prediction:", mlflow.pyfunc.load_model(path).predict(row)[0])
`

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } }
})
if (options.help) console.log(usage)
else
  await demo().catch(error => {
    console.error(
      styleText('red', `The demo failed: ${(error as Error).message}`, { stream: process.stderr })
    )
    process.exitCode = 1
  })

async function demo(): Promise<void> {
  const config = readConfig({
    DATA_DIR: cacheFolder,
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...process.env
  })
  const work = await mkdtemp(join(tmpdir(), 'mlflow-jobs-demo-'))
  let service: Service | undefined
  let job: string | undefined
  let ending: Promise<void> | undefined
  const end = async () => {
    await service?.close({ keepServer: false })
    await rm(work, { recursive: true, force: true })
  }
  const interrupted = () => {
    ending ??= (job ? stop(job).catch(() => {}) : Promise.resolve())
      .then(end)
      .finally(() => process.exit(130))
  }
  // Not once: execa's own listener ends the process at once when it finds no other left.
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  try {
    title('Preparing the training environment')
    const { python } = await prepareTraining(config.dataDir, note)
    title('Starting the service')
    service = await createService({ ...config, python }, { level: config.logLevel })
    const url = await service.app.listen({ host: config.host, port: config.port })
    service.start()
    note(`It listens on ${url}; its documentation is at ${url}/docs.`)
    await runJob(url, python, work, address => {
      job = address
    })
    if (options.keep) await keep(url)
  } finally {
    ending ??= end()
    await ending
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
  }
}

async function runJob(
  url: string,
  python: string,
  work: string,
  onSubmitted: (address: string) => void
): Promise<void> {
  const archive = join(work, 'code.tar.gz')
  await create({ cwd: example, file: archive, gzip: true }, await readdir(example))
  title(`Submitting ${relative(root, example)}`)
  const job = await submit(url, archive)
  note(`${job.id} is ${job.status}.`)
  const address = `${url}/jobs/${job.id}`
  onSubmitted(address)

  title('Following its log')
  await waitForStart(address)
  for await (const chunk of Readable.fromWeb(await body(`${address}/logs?follow=true`)))
    process.stdout.write(chunk)
  const ended = await json<Job>(address)
  if (ended.status !== 'succeeded')
    throw new Error(`job ${ended.status}: ${ended.failure?.message ?? ended.statusReason}`)

  title('Metrics')
  for (const [name, value] of Object.entries(ended.metrics)) note(`${name} = ${value}`)

  title('Downloading the model, and predicting a row with it')
  const model = join(work, 'model.tar.gz')
  await pipeline(Readable.fromWeb(await body(`${address}/model`)), createWriteStream(model))
  await mkdir(join(work, 'model'))
  await extract({ file: model, cwd: join(work, 'model') })
  const [logged] = ended.model?.loggedModels ?? []
  if (!logged) throw new Error('the archive holds no logged model')
  await execa(python, ['-c', predictRow, join(work, 'model', logged.path)], {
    cwd: work,
    stdout: 'inherit'
  })

  const [base, id] = options.keep ? [url, job.id] : [address8080, 'ID']
  title(options.keep ? 'The same with curl' : 'The same with curl, after npm start')
  console.log(`  tar -czf code.tar.gz -C ${relative(root, example)} .
  curl -F project=@code.tar.gz -F 'parameters=${parameters}' ${base}/jobs
  curl '${base}/jobs/${id}/logs?follow=true'
  curl -OJ ${base}/jobs/${id}/model`)
  if (!options.keep) note('ID is the "id" of the answer.')
  const { trackingUri } = await json<{ trackingUri: string | null }>(`${url}/readyz`)
  if (trackingUri) note(`MLflow's pages were at ${trackingUri}.`)
  if (!options.keep) note('npm run demo -- --keep leaves all of it running.')
}

async function submit(url: string, archive: string): Promise<Job> {
  const form = new FormData()
  form.append('project', await openAsBlob(archive), 'code.tar.gz')
  form.append('parameters', parameters)
  const response = await fetch(`${url}/jobs`, { method: 'POST', body: form })
  if (response.status !== 202) throw new Error(await response.text())
  return (await response.json()) as Job
}

/** Shows what a queued job waits for: the first one waits for the tracking server. */
async function waitForStart(address: string): Promise<void> {
  let shown: string | null = null
  for (;;) {
    const { status, statusReason } = await json<Job>(address)
    if (status !== 'queued') return
    if (statusReason && statusReason !== shown) note(statusReason)
    shown = statusReason
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}

/** A job would go on without its service, and the demo leaves nothing. */
async function stop(address: string): Promise<void> {
  await fetch(`${address}/stop`, { method: 'POST' })
  while (!(await json<Job>(address)).terminal) await new Promise(done => setTimeout(done, 200))
}

async function keep(url: string): Promise<void> {
  note(`The service stays at ${url}. Ctrl-C ends it.`)
  await once(process, 'SIGINT')
}

async function body(address: string) {
  const response = await fetch(address)
  if (!response.ok || !response.body) throw new Error(await response.text())
  return response.body
}

async function json<T>(address: string): Promise<T> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as T
}

function title(text: string): void {
  console.log(styleText('bold', `\n${text}`, { stream: process.stdout }))
}

function note(text: string): void {
  console.log(`  ${text}`)
}
