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
