import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testApp } from '../../helpers/app.ts'
import { aJob, idOf } from '../../helpers/job-record.ts'

t.test('jobs are listed newest first, a page at a time', async t => {
  const { app, store } = await testApp(t)
  const ids = ['job-a', 'job-b', 'job-c', 'job-d', 'job-e']
  for (const id of ids) await store.insert(aJob({ id }))

  const seen: string[] = []
  let url: string | null = '/jobs?limit=2'
  while (url) {
    const page: { items: { id: string }[]; nextCursor: string | null } = (
      await app.inject(url)
    ).json()
    seen.push(...page.items.map(({ id }) => id))
    url = page.nextCursor && `/jobs?limit=2&cursor=${page.nextCursor}`
  }

  t.same(seen, ids.toReversed())
})

t.test('a page says by Link where the next one is, and the last one does not', async t => {
  const { app, store } = await testApp(t)
  for (const id of ['job-a', 'job-b', 'job-c'])
    await store.insert(aJob({ id, tags: { team: 'a' } }))
  const first = await app.inject('/jobs?tag=team:a&limit=2')
  const [, next = ''] = /^<(.*)>; rel="next"$/.exec(String(first.headers.link)) ?? []
  const second = await app.inject(next)
  t.same(
    second.json().items.map(({ id }: { id: string }) => id),
    ['job-a']
  )
  t.notOk(second.headers.link)
})

t.test('a page stays where it was while newer jobs come', async t => {
  const { app, store } = await testApp(t)
  for (const id of ['job-a', 'job-b', 'job-c']) await store.insert(aJob({ id }))
  const { nextCursor } = (await app.inject('/jobs?limit=2')).json()
  await store.insert(aJob({ id: 'job-d' }))
  const { items } = (await app.inject(`/jobs?limit=2&cursor=${nextCursor}`)).json()
  t.same(
    items.map(({ id }: { id: string }) => id),
    ['job-a']
  )
})

t.test('jobs are found by name, tags, project, batch and time', async t => {
  const { app, store } = await testApp(t)
  const { digest } = aJob().project
  const [first, second] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'] as const
  const [a, b] = [idOf(first, 'a'), idOf(second, 'b')]
  await store.insert([
    aJob({ id: a, name: 'one', tags: { team: 'a:b' }, createdAt: first }),
    aJob({ id: b, name: 'two', batch: 'batch-1', createdAt: second })
  ])
  for (const [query, ids] of [
    ['name=one', [a]],
    ['tag=team:a:b', [a]],
    ['tag=team:a:b&tag=team:x', []],
    ['tag=team:x&tag=team:a:b', []],
    ['batch=batch-1', [b]],
    [`project=${digest}`, [b, a]],
    ['createdAfter=2026-01-01T12:00:00%2B02:00', [b]],
    ['createdBefore=2026-01-01T12:00:00Z&name=two', []],
    ['createdBefore=2026-01-01T12:00:00Z', [a]],
    ['createdAfter=2025-12-31T23:59:60Z', [b]],
    ['createdAfter=2026-01-01T01:59:60.5%2B02:00', [b]],
    ['createdAfter=2025-12-31T23:59:59Z', [b, a]]
  ] as const) {
    const response = await app.inject(`/jobs?${query}`)
    t.same(
      response.json().items?.map(({ id }: { id: string }) => id),
      ids,
      query
    )
  }
  for (const query of [
    'tag=team',
    'createdAfter=yesterday',
    'createdBefore=2026-01-01T00:00:00%2B02',
    'nmae=x'
  ])
    t.equal((await app.inject(`/jobs?${query}`)).statusCode, 400, query)
})

t.test('the list is filtered by one status or several', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'queued' }))
  await store.insert(aJob({ id: 'job-b', status: 'failed' }))
  await store.insert(aJob({ id: 'job-c', status: 'succeeded' }))
  const list = async (query: string) =>
    (await app.inject(`/jobs?${query}`)).json().items.map((job: { id: string }) => job.id)

  t.same(await list('status=failed'), ['job-b'])
  t.same(await list('status=failed&status=queued'), ['job-b', 'job-a'])
})

for (const query of [
  'limit=0',
  'limit=101',
  'limit=x',
  'status=done',
  'stauts=queued',
  'cursor=%00',
  'cursor=é'
])
  t.test(`?${query} is refused with the reason`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject(`/jobs?${encodeURI(query)}`)

    t.equal(response.statusCode, 400, response.body)
    t.match(response.headers['content-type'], 'application/problem+json')
  })

for (const url of ['/jobs/nope', '/jobs/nope/logs', '/jobs/nope/metrics', '/jobs/nope/model'])
  t.test(`${url} is a 404 that says what there is not`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject(url)

    t.equal(response.statusCode, 404)
    t.match(response.json(), { code: 'JOB_NOT_FOUND', detail: "There is no job 'nope'." })
  })

t.test('a path that does not exist is a problem, too', async t => {
  const { app } = await testApp(t)

  const response = await app.inject('/nowhere')

  t.match(response.json(), { status: 404, code: 'NOT_FOUND' })
})

t.test('an internal error says nothing of the inside', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a' }))
  await store.close()

  const response = await app.inject('/jobs/job-a')

  t.equal(response.statusCode, 500)
  t.match(response.json(), { code: 'INTERNAL_ERROR' })
  t.notMatch(response.body, /sql|database/i)
})

t.test('a request id is taken over where it is harmless', async t => {
  const { app } = await testApp(t)
  const answer = (id: string) => app.inject({ url: '/healthz', headers: { 'x-request-id': id } })

  t.equal((await answer('abc-1')).headers['x-request-id'], 'abc-1')
  t.not((await answer('a b')).headers['x-request-id'], 'a b')
})

t.test('a queued job that is stopped never starts', async t => {
  const { app, jobs, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'queued' }))

  const response = await app.inject({ method: 'POST', url: '/jobs/job-a/stop' })
  jobs.start()
  let job = await store.get('job-a')
  while (job?.status === 'queued') {
    await sleep(10)
    job = await store.get('job-a')
  }

  t.equal(response.statusCode, 202)
  t.match(job, { status: 'stopped', startedAt: null, failure: { kind: 'stopped' } })
})

t.test('a job that has ended stays as it is when it is stopped', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'succeeded' }))

  const response = await app.inject({ method: 'POST', url: '/jobs/job-a/stop' })

  t.equal(response.statusCode, 202)
  t.equal(response.json().status, 'succeeded')
})

t.test('a queued job says why it waits', async t => {
  const { app, jobs, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'queued', statusReason: null }))

  jobs.start()
  let job = (await app.inject('/jobs/job-a')).json()
  while (!job.statusReason) {
    await sleep(10)
    job = (await app.inject('/jobs/job-a')).json()
  }

  t.equal(job.statusReason, 'Nothing is prepared in this test.')
})

t.test('a time of creation may have any offset, and a leap second', async t => {
  const { app, store } = await testApp(t)
  const createdAt = '2026-06-30T12:00:00.000Z'
  await store.insert(aJob({ id: idOf(createdAt, 'a'), createdAt }))
  const found = async (query: string) => (await app.inject(`/jobs?${query}`)).json().items.length

  t.equal(await found('createdAfter=2016-12-31T15:59:60-08:00'), 1)
  t.equal(await found('createdAfter=2026-06-30T14:00:00%2B02:30'), 1)
  t.equal(await found('createdBefore=2016-12-31T23:59:60Z'), 0)
  t.equal(await found('createdBefore=9999-12-31T23:59:59-23:00'), 1)
  t.equal(await found('createdAfter=9999-12-31T23:59:59-23:00'), 0)
  t.equal(await found('createdAfter=0000-01-01T00:00:00%2B01:00'), 1)
  t.equal(await found('createdBefore=0000-01-01T00:00:00%2B01:00'), 0)
})

t.test('what only looks like a time of creation is a fault of the caller', async t => {
  const { app } = await testApp(t)
  const response = await app.inject('/jobs?createdAfter=2026-06-30T12:00:00%2B02')
  t.equal(response.statusCode, 400)
  t.match(response.json(), { errors: [{ pointer: '/querystring/createdAfter' }] })
})

t.test(
  'no job has two values of one tag, and nobody asks for more tags than a job can have',
  async t => {
    const { app, store } = await testApp(t)
    await store.insert(aJob({ id: 'job-a', tags: { team: 'a' } }))
    const many = Array.from({ length: 1500 }, (_, n) => `tag=${n}:`).join('&')

    t.same((await app.inject('/jobs?tag=team:b&tag=team:a')).json().items, [])
    t.equal((await app.inject(`/jobs?${many}`)).statusCode, 400)
  }
)

t.test('a stop may name the type of a body that is not there', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a' }))
  const response = await app.inject({
    method: 'POST',
    url: '/jobs/job-a/stop',
    headers: { 'content-type': 'application/json' }
  })
  t.equal(response.statusCode, 202)
})
