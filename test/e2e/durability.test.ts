import t from 'tap'
import { durability } from '../helpers/durability.ts'
import { noStrace } from '../helpers/strace.ts'

t.test('a job is acknowledged when all of it is on the disk', { skip: noStrace }, async t => {
  t.same(await durability(3), [])
})
