/** Traces, sent as docs/operations.md says: the packages are installed beside the service, which knows nothing of them. */
import { cp, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { hashOf, makeKey } from '../../src/server/callers/api-key.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { type Killable, makeKillable } from '../helpers/killable.ts'
import { attribute, type Span, startCollector } from '../helpers/otlp-collector.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'
import { startReplicas } from '../helpers/replicas.ts'

const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`
const secret = 'a-value-that-nobody-is-to-see'
const key = makeKey()

const folder = testFolder(t)
const telemetry = join(folder, 'telemetry')
await cp(join(import.meta.dirname, '../../deploy/telemetry'), telemetry, { recursive: true })
await execa('npm', ['ci', '--ignore-scripts', '--prefix', telemetry])
const loaded = pathToFileURL(join(telemetry, 'telemetry.js')).href

const authorization = `Bearer ${key}`

async function submit({ url }: Killable, environment = {}): Promise<Job> {
  const body = form({ project: await pack(simpleProject), parameters: { alpha: 1 }, environment })
  const headers = { traceparent, authorization }
  const answer = await fetch(`${url}/jobs`, { method: 'POST', body, headers })
  if (answer.status !== 202) throw new Error(await answer.text())
  return (await answer.json()) as Job
}

/** Which knows the key. */
async function startService(t: Test, name: string, environment: Record<string, string>) {
  const dataDir = join(folder, name)
  const keys = join(folder, `${name}.json`)
  const entry = { name: 'ann', tenant: 'a', scopes: ['read', 'submit'], sha256: hashOf(key) }
  await writeFile(keys, JSON.stringify({ keys: [{ ...entry, createdAt: new Date() }] }))
  const log = join(folder, `${name}.log`)
  const output = await open(log, 'w')
  const own = { DATA_DIR: dataDir, API_KEYS_FILE: keys, PYTHON: '/nowhere/python' }
  const service = await makeKillable(
    { ...own, LOG_LEVEL: 'info', ...environment },
    { output: output.fd, imports: [loaded] }
  )
  t.teardown(async () => {
    await service.kill()
    await output.close()
  })
  t.ok(await service.start(), 'it starts')
  return { ...service, log: () => readFile(log, 'utf8') }
}

t.test('a request is a part of its caller’s trace, under the name of its route', async t => {
  const collector = await startCollector(t)
  const service = await startService(t, 'traced', collector.environment)
  const { id } = await submit(service, { HUB_TOKEN: { value: secret, secret: true } })
  const answer = await fetch(`${service.url}/jobs/${id}`, { headers: { authorization } })
  t.match(await answer.json(), { id, status: 'queued' })
  for (const path of ['/readyz', '/livez', '/metrics']) await fetch(`${service.url}${path}`)
  await service.end()
  t.equal(await service.exited(), 0, 'it ends as it does without')

  const ofServer = collector.spans.filter(({ kind }) => kind === 2)
  t.match(
    ofServer.map(({ name }) => name),
    ['POST /jobs', 'GET /jobs/:id'],
    'and nothing of who only watches'
  )
  const [submission, look] = ofServer as [Span, Span]
  t.match(submission, { traceId: caller.traceId, parentSpanId: caller.spanId })
  t.equal(attribute(submission, 'http.route'), '/jobs')
  t.equal(attribute(submission, 'http.response.status_code'), 202)
  t.not(look.traceId, caller.traceId, 'one without a trace begins one')
  t.match(collector.text(), '"stringValue":"mlflow-jobs"', 'it has the name of the service')
  for (const hidden of [key, hashOf(key), secret]) t.notMatch(collector.text(), hidden)

  const lines = (await service.log()).trim().split('\n')
  const [line] = lines.flatMap(line => {
    const { msg, method, ...others } = JSON.parse(line)
    return msg === 'request' && method === 'POST' ? [others] : []
  })
  t.match(line, { trace_id: caller.traceId, span_id: submission.spanId, job: id, caller: 'ann' })
})

t.test('a collector that is away costs nobody anything', async t => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${await freePort()}`
  const service = await startService(t, 'untraced', { OTEL_EXPORTER_OTLP_ENDPOINT })
  await submit(service)
  await service.end()
  t.equal(await service.exited(), 0)
})

t.test('what a request asks of database and bucket', { skip: noPostgres }, async t => {
  const collector = await startCollector(t)
  const NODE_OPTIONS = `--import=${loaded}`
  const replicas = await startReplicas(
    1,
    { pretendMilliseconds: 1 },
    { ...collector.environment, NODE_OPTIONS }
  )
  t.teardown(() => replicas.end())
  const [service] = replicas.all as [Killable]
  const { id } = await submit(service, { SEEN: secret })
  for (;;) {
    const job = (await (await fetch(`${service.url}/jobs/${id}?wait=20`)).json()) as Job
    if (job.terminal) break
  }
  await service.end()

  const mine = collector.spans.filter(({ traceId }) => traceId === caller.traceId)
  const names = mine.map(({ name }) => name)
  t.ok(
    names.some(name => /^pg.query:INSERT/.test(name)),
    'the row'
  )
  t.ok(names.includes('S3.PutObject'), 'the project')
  const roots = collector.spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name)
  t.same(
    roots.filter(name => /^(pg|GET http|POST http)/.test(name)),
    [],
    'what the loop asks of the database is nobody’s'
  )
  t.ok(
    collector.spans.some(({ name }) => name.includes('CreateTrainingJob')),
    'the job'
  )
  for (const hidden of [key, secret]) t.notMatch(collector.text(), hidden)
})
