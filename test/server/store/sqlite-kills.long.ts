/** Every place, or nearly, at which SQLite may be interrupted. */
import t from 'tap'
import { killedAtWrites } from '../../helpers/killed-at-writes.ts'
import { noStrace } from '../../helpers/strace.ts'

t.test(
  'a kill at any write leaves a file that opens, with every job that insert answered for',
  { skip: noStrace },
  t => killedAtWrites(t, 5)
)
