/** Jobs of projects that are stored already: by digest, and run again. */
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

const project = await pack(simpleProject)

async function submitted(app: FastifyInstance, fields: Record<string, unknown> = {}) {
  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: form({ project, parameters: '{"alpha":1.0}', ...fields })
  })
  return response.json()
}

const post = (app: FastifyInstance, url: string, payload: string) =>
  app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload })

t.test('a digest in place of the archive runs the same project, as JSON or in a form', async t => {
  const { app } = await testApp(t)
  const { digest } = (await submitted(app)).project

  const json = await post(
    app,
    '/jobs',
    `{"project":"${digest}","parameters":{"alpha":1e-5},"name":"by JSON","path":null}`
  )
  const inForm = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: form({ project: digest, parameters: { alpha: 2 } })
  })

  t.equal(json.statusCode, 202, json.body)
  t.match(json.body, '"parameters":{"steps":3,"label":"none","alpha":1e-5}')
  t.match(json.json(), { name: 'by JSON', project: { digest, name: 'simple' } })
  t.equal(inForm.statusCode, 202, inForm.body)
  t.match(inForm.json(), { project: { digest } })
})

t.test('all faults of a submission as JSON are named at once', async t => {
  const { app } = await testApp(t)
  const { digest } = (await submitted(app)).project
  const response = await post(
    app,
    '/jobs',
    `{"project":"${digest}","parameters":{"alpha":1,"alpha":2,"x":null},"name":3,"run":"fast","colour":"red","tags":[]}`
  )
  t.equal(response.statusCode, 422)
  t.same(
    response.json().errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/name', '/colour', '/run', '/tags', '/parameters/x', '/parameters/alpha'],
    response.body
  )
})

for (const [title, body, status, detail] of [
  ['no JSON', '{', 400, /not JSON/],
  ['no object', '[]', 400, /must be a JSON object/],
  ['no project', '{}', 422, /project is missing/],
  ['no digest', '{"project":"abc"}', 422, /no digest such as/],
  ['an unknown digest', `{"project":"sha256:${'0'.repeat(64)}"}`, 422, /no project sha256:0000/]
] as const)
  t.test(`${title} is refused`, async t => {
    const { app } = await testApp(t)
    const response = await post(app, '/jobs', body)
    t.equal(response.statusCode, status)
    t.match(response.json().errors?.[0]?.detail ?? response.json().detail, detail)
  })

t.test('a job is run again with what it was submitted with', async t => {
  const { app } = await testApp(t)
  const first = await submitted(app, {
    tags: { team: 'a' },
    environment: { TOKEN: 'secret' },
    run: { runName: 'r' },
    name: 'n',
    entryPoint: 'main'
  })

  const response = await app.inject({ method: 'POST', url: first.links.rerun })

  t.equal(response.statusCode, 202, response.body)
  const again = response.json()
  t.equal(response.headers.location, `/jobs/${again.id}`)
  t.not(again.id, first.id)
  t.match(again, { rerunOf: first.id, project: first.project, tags: { team: 'a' }, name: 'n' })
  t.match(response.body, '"alpha":1.0')
  t.same(again.environment, { TOKEN: '***' })
})

t.test('what is given goes over it, member by member', async t => {
  const { app, store } = await testApp(t)
  const first = await submitted(app, { tags: { team: 'a', stage: 'x' }, environment: { A: '1' } })
  const response = await post(
    app,
    first.links.rerun,
    '{"parameters":{"steps":7},"tags":{"stage":"y"},"name":"again"}'
  )
  t.match(response.json(), {
    parameters: { alpha: 1, steps: 7 },
    tags: { team: 'a', stage: 'y' },
    name: 'again'
  })
  t.match(await store.get(response.json().id), { environment: { A: '1' } })
})

t.test('an experiment’s id goes over a name, be it one that the code has chosen', async t => {
  const { app, store } = await testApp(t)
  const code = { ...simpleProject, 'train.py': 'import mlflow\nmlflow.set_experiment("X")\n' }
  const first = await submitted(app, { project: await pack(code), run: { runName: 'r' } })

  const response = await post(app, first.links.rerun, '{"run":{"experimentId":"7"}}')

  t.equal(response.statusCode, 202, response.body)
  t.match(await store.get(first.id), { run: { experimentName: 'X' } })
  t.strictSame((await store.get(response.json().id))?.run, { runName: 'r', experimentId: '7' })
})

t.test('faults of what is given are named', async t => {
  const { app } = await testApp(t)
  const { links } = await submitted(app)
  const response = await post(app, links.rerun, '{"parameters":{"stepz":7},"resources":{"a":1}}')
  t.equal(response.statusCode, 422)
  t.same(
    response.json().errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/resources/a', '/parameters/stepz']
  )
})

t.test('a job is run again with its own project, and by JSON alone', async t => {
  const { app, store } = await testApp(t)
  const { links } = await submitted(app)

  const other = await post(app, links.rerun, '{"project":"sha256:0","path":"x"}')
  const inForm = await app.inject({
    method: 'POST',
    url: links.rerun,
    payload: form({ parameters: { steps: 7 } })
  })

  t.equal(other.statusCode, 422)
  t.same(
    other.json().errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/project', '/path']
  )
  t.equal(inForm.statusCode, 415, 'what is in it must not be passed over')
  t.equal((await store.list({ limit: 9 })).length, 1)
})

t.test('a job that there is not cannot be run again', async t => {
  const { app } = await testApp(t)
  t.equal((await app.inject({ method: 'POST', url: '/jobs/nope/rerun' })).statusCode, 404)
})

t.test('a dry run names the resources with the defaults, and keeps nothing', async t => {
  const { app, store } = await testApp(t)
  const response = await app.inject({
    method: 'POST',
    url: '/jobs?dryRun=true',
    payload: form({ project, parameters: { alpha: 1 }, resources: { maxRuntimeSeconds: 60 } })
  })
  t.equal(response.statusCode, 200, response.body)
  t.match(response.json(), {
    project: { name: 'simple' },
    parameters: { alpha: 1, steps: 3, label: 'none' },
    resources: { maxRuntimeSeconds: 60, memoryMb: 4096, cpus: 2 },
    backend: { name: 'local' },
    warnings: []
  })
  t.notOk('id' in response.json())
  t.same(await store.list({ limit: 9 }), [])
})
