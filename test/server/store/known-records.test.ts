import t from 'tap'
import { toRow } from '../../../src/server/store/job-row.ts'
import { knownRecords } from '../../../src/server/store/known-records.ts'
import { aJob } from '../../helpers/job-record.ts'

const row = (changes = {}) => toRow(aJob(changes))
const { length } = row().document

t.test('a row that is read again as it was has the very same record', async t => {
  const recordOf = knownRecords(10 * length)
  const first = recordOf('a', row())
  t.strictSame(first, aJob())
  t.equal(recordOf('a', row()), first)
})

t.test('whatever has changed of a row is seen', async t => {
  const recordOf = knownRecords(10 * length)
  recordOf('a', row())
  const changes = [
    { version: 2 },
    { stopRequestedAt: '2026-02-03T04:05:06.789Z' },
    // As where a database was restored: the version alone does not tell.
    { status: 'running' as const }
  ]
  for (const change of changes) t.strictSame(recordOf('a', row(change)), aJob(change))
  t.strictSame(recordOf('a', row()), aJob())
})

t.test('the rows that became known last are known, up to so many characters', async t => {
  const recordOf = knownRecords(2 * length)
  const [a, b] = [recordOf('a', row()), recordOf('b', row())]
  t.equal(recordOf('a', row()), a)
  const c = recordOf('c', row())
  t.equal(recordOf('b', row()), b)
  t.equal(recordOf('c', row()), c)
  t.not(recordOf('a', row()), a)
})

t.test('a row that is larger than all may be leaves nothing behind', async t => {
  const recordOf = knownRecords(2 * length)
  const statusReason = 'x'.repeat(3 * length)
  const large = recordOf('a', row({ statusReason }))
  t.equal(large.statusReason, statusReason)
  t.not(recordOf('a', row({ statusReason })), large)
  const [b, c] = [recordOf('b', row()), recordOf('c', row())]
  t.equal(recordOf('b', row()), b)
  t.equal(recordOf('c', row()), c)
})
