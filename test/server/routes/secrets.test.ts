import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { Fault } from '../../../src/contract/fault.ts'
import { moveJob } from '../../../src/server/jobs/move-job.ts'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

const canary = 'canary-4711'
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-AbCdEf'

type Api = Awaited<ReturnType<typeof testApp>>

async function submit({ app }: Api, environment: unknown, more: object = {}) {
  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: form({
      project: await pack(simpleProject),
      parameters: { alpha: 1 },
      environment,
      ...more
    })
  })
  t.notMatch(response.body, canary)
  return response
}

const faultsOf = async (api: Api, environment: unknown): Promise<Fault[]> =>
  (await submit(api, environment)).json().errors

/** An app that reads secrets beside its data folder, in which none may be. */
async function appWithRoot(t: Test) {
  const root = `${t.testdirName}-secrets`
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const api = await testApp(t, { secretRoots: [join(root, '{tenant}')] })
  for (const name of ['default', 'other']) {
    await mkdir(join(root, name), { recursive: true })
    await writeFile(join(root, name, 'token'), 'x')
  }
  return { ...api, root, uri: (path: string) => pathToFileURL(join(root, path)).href }
}

t.test('a value may be marked as a secret, or as none, or be kept elsewhere', async t => {
  const api = await appWithRoot(t)
  const response = await submit(api, {
    PLAIN: 'fast',
    HIDDEN: { value: canary, secret: true },
    SORT_KEY: { value: 'name', secret: false },
    OPEN: { value: 'open' },
    HF_TOKEN: canary,
    DATABASE: `postgres://me:${canary}@host/db`,
    KEPT: { valueFrom: api.uri('default/token') }
  })
  t.equal(response.statusCode, 202, response.body)
  t.same(response.json().environment, {
    PLAIN: 'fast',
    HIDDEN: '***',
    SORT_KEY: 'name',
    OPEN: 'open',
    HF_TOKEN: '***',
    DATABASE: 'postgres://***@host/db',
    KEPT: api.uri('default/token')
  })
})

t.test('so it may in JSON, in a batch, and in what goes over a job that is run again', async t => {
  const api = await testApp(t)
  const first = (await submit(api, { A: { value: canary, secret: true }, B: '1' })).json()
  const { digest: project } = first.project
  const post = (url: string, payload: object) => api.app.inject({ method: 'POST', url, payload })
  const environment = { B: { value: canary, secret: true } }

  const again = await post(first.links.rerun, { environment })
  t.same(again.json().environment, { A: '***', B: '***' })
  const single = await post('/jobs', { project, parameters: { alpha: 1 }, environment })
  t.same(single.json().environment, { B: '***' })
  const batch = await post('/jobs/batch', {
    project,
    parameters: { alpha: 1 },
    environment,
    jobs: [{ environment: { C: { value: canary, secret: true } } }]
  })
  t.same(batch.json().items[0].environment, { B: '***', C: '***' })
  for (const { body } of [again, single, batch]) t.notMatch(body, canary)
})

t.test('what is wrong is said, and never the value', async t => {
  const api = await testApp(t)
  for (const [value, detail] of [
    [{ value: canary, sceret: true }, /no member "sceret".*did you mean "secret"/i],
    [{ value: canary, secret: canary }, /"secret" is true or false/],
    [{ value: canary, valueFrom: arn }, /not both/],
    [{ valueFrom: canary }, /valueFrom is an absolute file/],
    [{ valueFrom: `file://host/${canary}` }, /valueFrom is an absolute file/],
    [{ valueFrom: `file:///a%2f${canary}` }, /valueFrom is an absolute file/],
    [{ value: { canary } }, /A value is a string, or/],
    [[canary], /A value is a string, or/],
    [{ secret: true }, /The value of a secret is needed/],
    [{}, /Give the value/],
    [{ value: `${canary}\0`, secret: true }, /no NUL/]
  ] as const) {
    const [fault, ...others] = await faultsOf(api, { A: value })
    t.match(fault, { pointer: '/environment/A', detail }, JSON.stringify(value))
    t.same(others, [])
  }
  const response = await submit(api, `{"A": {"value": ${canary}, "secret": true}}`)
  t.match(response.json(), {
    status: 400,
    detail: /"environment" is not JSON: Unexpected token 'c'/
  })
})

t.test('a file has to be below a folder that the operator has named', async t => {
  const [none] = await faultsOf(await testApp(t), { A: { valueFrom: 'file:///run/secrets/a' } })
  t.match(none?.detail, 'has to name the folders of secrets in SECRET_ROOTS')

  const api = await appWithRoot(t)
  for (const path of ['other/token', 'default/../other/token', 'default', 'defaulted', '../x'])
    t.match(await faultsOf(api, { A: { valueFrom: api.uri(path) } }), [
      { pointer: '/environment/A', detail: /below one of the folders.*SECRET_ROOTS/ }
    ])
  t.equal((await submit(api, { A: { valueFrom: api.uri('default/none') } })).statusCode, 202)
})

t.test('a link counts as what it leads to', async t => {
  const api = await appWithRoot(t)
  await symlink('../other/token', join(api.root, 'default/link'))
  const [fault] = await faultsOf(api, { A: { valueFrom: api.uri('default/link') } })
  t.match(fault?.detail, 'Links count as what they lead to')
})

t.test('on this machine there is no AWS Secrets Manager', async t => {
  const [fault] = await faultsOf(await testApp(t), { A: { valueFrom: arn } })
  t.match(fault?.detail, 'are for BACKEND=sagemaker')
})

t.test('a secret is not kept when its job has ended; running it again asks for it', async t => {
  const api = await testApp(t)
  const { id, links } = (
    await submit(api, { A: { value: canary, secret: true }, B: { value: 'b' } })
  ).json()
  const job = await api.store.get(id)
  t.match(JSON.stringify(job), canary, 'it is needed for the start')
  if (job) await moveJob(api.store, job, 'succeeded', null, {})

  t.notMatch(JSON.stringify(await api.store.get(id)), canary)
  t.same((await api.app.inject(`/jobs/${id}`)).json().environment, { A: '***', B: 'b' })
  const rerun = (payload: object) => api.app.inject({ method: 'POST', url: links.rerun, payload })
  t.match((await rerun({})).json(), {
    status: 422,
    errors: [{ pointer: '/environment/A', detail: /a rerun has to give it again/ }]
  })
  const again = await rerun({ environment: { A: { value: canary, secret: true } } })
  t.equal(again.statusCode, 202, again.body)
})
