import t from 'tap'
import { createPlaces } from '../../src/server/places.ts'

const one = { uploads: 1, downloads: 1, waiters: 1, followers: 1 }

t.test('a place that is given back can be taken again', async t => {
  const places = createPlaces(one)
  const giveBack = places.take('uploads')
  t.throws(() => places.take('uploads'), { code: 'SERVICE_BUSY', statusCode: 503 })

  giveBack()

  t.equal(places.taken('uploads'), 0)
  places.take('uploads')
  t.equal(places.taken('uploads'), 1)
})

t.test('a place is given back once, however often that is said', async t => {
  const places = createPlaces({ ...one, waiters: 2 })
  const giveBack = places.take('waiters')
  places.take('waiters')

  giveBack()
  giveBack()

  t.equal(places.taken('waiters'), 1)
})

for (const [kind, code, statusCode] of [
  ['uploads', 'SERVICE_BUSY', 503],
  ['downloads', 'SERVICE_BUSY', 503],
  ['waiters', 'TOO_MANY_WAITING', 429],
  ['followers', 'TOO_MANY_WAITING', 429]
] as const)
  t.test(`${kind} that are too many are a ${statusCode}, and leave room for others`, async t => {
    const places = createPlaces(one)
    for (const each of ['uploads', 'downloads', 'waiters', 'followers'] as const) places.take(each)

    t.throws(() => places.take(kind), { code, statusCode, message: new RegExp(`^1 ${kind} are `) })
  })

t.test('a tenant that has its uploads leaves room for others', async t => {
  const places = createPlaces({ ...one, uploads: 3 }, () => ({ uploads: 1 }))
  const giveBack = places.take('uploads', 'a')
  t.throws(() => places.take('uploads', 'a'), {
    code: 'TENANT_BUSY',
    statusCode: 429,
    message: '1 uploads of the tenant a are under way, as many as one may have at once.'
  })
  places.take('uploads', 'b')
  t.equal(places.taken('uploads'), 2)

  giveBack()
  giveBack()
  places.take('uploads', 'a')
  t.throws(() => places.take('uploads', 'a'), { code: 'TENANT_BUSY' })
})

t.test('a tenant’s limit may be its own, and change', async t => {
  const limits = new Map([['b', 2]])
  const places = createPlaces({ ...one, uploads: 9 }, tenant => ({
    uploads: limits.get(tenant) ?? 1
  }))
  for (const tenant of ['a', 'b', 'b']) places.take('uploads', tenant)
  t.throws(() => places.take('uploads', 'a'), { code: 'TENANT_BUSY' })
  t.throws(() => places.take('uploads', 'b'), { code: 'TENANT_BUSY', message: /^2 uploads / })

  limits.set('a', 2)
  places.take('uploads', 'a')
})

t.test('an upload that the service has no place for takes none of its tenant’s', async t => {
  const places = createPlaces(one, () => ({ uploads: 1 }))
  const giveBack = places.take('uploads', 'a')
  t.throws(() => places.take('uploads', 'b'), { code: 'SERVICE_BUSY' })
  giveBack()
  places.take('uploads', 'b')
})
