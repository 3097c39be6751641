import t, { type Test } from 'tap'
import { decodeTime } from 'ulid'
import { nextId } from '../../../src/server/jobs/next-id.ts'

const minute = 60_000
const timeOf = (id: string) => decodeTime(id.slice('job-'.length).toUpperCase())

/** An id that is made when the clock says so (milliseconds since 1970). */
function idAt(t: Test, time: number): string {
  const clock = t.intercept(Date, 'now', { value: () => time })
  try {
    return nextId('job')
  } finally {
    clock.restore()
  }
}

t.test('ids are in order, also when the clock is set back a little', async t => {
  const now = Date.now()
  const ids = [0, 0, 5, 4, -20].map(minutes => idAt(t, now + minutes * minute))
  t.same(ids, ids.toSorted())
  t.equal(new Set(ids).size, ids.length)
  t.match(ids[0], /^job-[0-9a-z]{26}$/)
})

t.test('a clock that was far ahead is not followed', async t => {
  const now = Date.now()
  idAt(t, now + 120 * minute)
  t.equal(timeOf(idAt(t, now)), now)
})
