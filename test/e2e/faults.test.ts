/** In short what npm run faults does at length. */
import t from 'tap'
import { failEveryCall } from '../helpers/fail-nth/index.ts'

t.test(
  'whichever call of a deletion fails, it can be asked for again, and leaves nothing',
  async t => {
    const { failures, undocumented } = await failEveryCall(['delete'])
    t.same(undocumented, [])
    t.ok(failures >= 16, `${failures} failures`)
  }
)
