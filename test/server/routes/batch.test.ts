import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

const project = await pack(simpleProject)
const submit = (app: FastifyInstance, fields: Record<string, unknown>, query = '') =>
  app.inject({
    method: 'POST',
    url: `/jobs/batch${query}`,
    payload: form({ project, ...fields })
  })
const pointersOf = (response: { json(): { errors: { pointer: string }[] } }) =>
  response.json().errors.map(({ pointer }) => pointer)

t.test('each set of parameters becomes a job, in the order given, with what all share', async t => {
  const { app, store } = await testApp(t)

  const response = await submit(app, {
    parameters: { alpha: 1, steps: 9 },
    tags: { team: 'a', stage: 'x' },
    run: { experimentName: 'sweep' },
    jobs: '[{"parameters":{"alpha":1.0}}, {"parameters":{"alpha":1e-5},"tags":{"stage":"y"},"name":"second"}, {}]'
  })

  t.equal(response.statusCode, 202, response.body)
  const batch = response.json()
  t.match(batch.id, /^batch-[0-9a-z]{26}$/)
  t.equal(response.headers.location, `/jobs?batch=${batch.id}`)
  t.match(response.body, /"alpha":1\.0.*"alpha":1e-5/)
  t.match(batch.items, [
    { batch: batch.id, tags: { team: 'a', stage: 'x' }, parameters: { steps: 9 } },
    { batch: batch.id, tags: { team: 'a', stage: 'y' }, name: 'second' },
    { batch: batch.id, name: null, parameters: { alpha: 1, steps: 9 } }
  ])
  const listed = (await app.inject(batch.links.jobs)).json().items
  t.same(listed.toReversed(), batch.items)
  t.equal((await store.list({ limit: 9 })).length, 3)
})

t.test('one fault in one job refuses them all, and says where it is', async t => {
  const { app, store, dataDir } = await testApp(t)
  const response = await submit(app, {
    jobs: [{ parameters: { alpha: 1 } }, { parameters: { alhpa: 1 }, colour: 'red' }, 3]
  })
  t.equal(response.statusCode, 422)
  t.same(pointersOf(response).toSorted(), [
    '/jobs/1/colour',
    '/jobs/1/parameters/alhpa',
    '/jobs/1/parameters/alpha',
    '/jobs/2',
    '/jobs/2/parameters/alpha'
  ])
  t.same(await store.list({ limit: 9 }), [])
  t.notOk((await readdir(dataDir)).includes('projects'))
  t.same(await readdir(join(dataDir, 'tmp')), [])
})

t.test('a fault of what all share is told once', async t => {
  const { app } = await testApp(t)
  const response = await submit(app, {
    run: { experimentNmae: 'x' },
    jobs: [{ parameters: { alpha: 1 } }, { parameters: { alpha: 2 } }]
  })
  t.same(pointersOf(response), ['/run/experimentNmae'])
})

for (const [title, jobs, pointer] of [
  ['no list', {}, '/jobs'],
  ['an empty list', [], '/jobs'],
  ['nothing', undefined, '/jobs'],
  ['more than 1,000 jobs', Array.from({ length: 1001 }, () => ({})), '/jobs'],
  ['a project of its own', [{ parameters: { alpha: 1 }, project: 'sha256:0' }], '/jobs/0/project']
] as const)
  t.test(`${title} is refused`, async t => {
    const { app } = await testApp(t)
    const response = await submit(app, jobs === undefined ? {} : { jobs })
    t.equal(response.statusCode, 422)
    t.same(pointersOf(response), [pointer])
  })

t.test('a thousand jobs are taken at once', async t => {
  const { app } = await testApp(t)
  const jobs = Array.from({ length: 1000 }, (_, n) => ({ parameters: { alpha: n } }))
  const response = await submit(app, { jobs })
  t.equal(response.statusCode, 202)
  t.same(
    response.json().items.map((job: { parameters: { alpha: number } }) => job.parameters.alpha),
    jobs.map(({ parameters }) => parameters.alpha)
  )
  t.match((await app.inject('/jobs/summary')).json(), { queued: 1000, running: 0 })
})

t.test('a dry run shows the jobs and keeps nothing', async t => {
  const { app, store } = await testApp(t)
  const response = await submit(app, { jobs: [{ parameters: { alpha: 1 } }] }, '?dryRun=true')
  t.equal(response.statusCode, 200)
  t.match(response.json(), { items: [{ parameters: { alpha: 1, steps: 3 } }] })
  t.same(await store.list({ limit: 9 }), [])
})

t.test('jobs that is no JSON is malformed', async t => {
  const { app } = await testApp(t)
  const response = await submit(app, { jobs: '[{' })
  t.equal(response.statusCode, 400)
  t.match(response.json(), { detail: /^The field "jobs" is not JSON/ })
})

t.test(
  'what all share counts for each job, so that a small request cannot become a large one',
  async t => {
    const { app, folder } = await testApp(t)
    const parameters = { label: 'x'.repeat(50_000) }
    const jobs = Array.from({ length: 1000 }, (_, steps) => ({ parameters: { steps } }))
    const project = await pack(simpleProject)
    const response = await app.inject({
      method: 'POST',
      url: '/jobs/batch',
      payload: form({ project, parameters: { alpha: 1, ...parameters }, jobs })
    })
    t.equal(response.statusCode, 422)
    t.match(response.json().errors, [
      { pointer: '/jobs', detail: /more than 16777216 bytes together/ }
    ])
    t.same(await readdir(folder), [])
  }
)

t.test('of a batch with very many faults the first jobs have theirs named', async t => {
  const { app } = await testApp(t)
  const parameters = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`p${n}`, n]))
  const jobs = Array.from({ length: 300 }, (_, alpha) => ({
    parameters: { alpha, [`q${alpha}`]: 1, ...parameters }
  }))
  const response = await app.inject({
    method: 'POST',
    url: '/jobs/batch',
    payload: form({ project: await pack(simpleProject), jobs })
  })
  t.equal(response.statusCode, 422)
  t.ok(response.json().errors.length > 500)
})

t.test('a job may name another experiment than all share, by its name or its id', async t => {
  const { app } = await testApp(t)
  const { statusCode, body } = await app.inject({
    method: 'POST',
    url: '/jobs/batch?dryRun=true',
    payload: form({
      project: await pack(simpleProject),
      parameters: { alpha: 1 },
      run: { experimentName: 'shared', runName: 'kept' },
      jobs: [{ run: { experimentId: '7' } }, {}]
    })
  })
  t.equal(statusCode, 200, body)
  t.strictSame(
    JSON.parse(body).items.map(({ run }: { run: object }) => run),
    [
      { runName: 'kept', experimentId: '7' },
      { experimentName: 'shared', runName: 'kept' }
    ]
  )
})
