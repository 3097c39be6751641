/** In short what npm run model does at length; a clock that is set is nobody else's, so nothing else is in this file. */
import { join } from 'node:path'
import t from 'tap'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { testFolder } from '../../helpers/folder.ts'
import { runStateMachine } from '../../helpers/state-machine/index.ts'

t.test('whatever happens in whatever order: no job goes back, twice, or on for ever', async t => {
  const store = await createStore(openSqlite(join(testFolder(t), 'jobs.db')))
  t.teardown(() => store.close())
  const { commands, broken } = await runStateMachine({ store, sequences: 300, seed: 1 })
  t.same(broken, [])
  t.ok(commands > 1000, `${commands} commands`)
})
