/** npm run model: the jobs' state machine under random sequences of what callers, backend, storage and clocks can do. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openSqlite } from '../src/server/store/node-sqlite.ts'
import { createStore } from '../src/server/store/sql.ts'
import { runStateMachine } from '../test/helpers/state-machine/index.ts'

const usage = `npm run model [-- --sequences 100000] [--seed 1]

Submits, stops and deletes jobs, lets them run and end, kills and restarts the service, moves the clock, and lets calls
of store, storage and backend fail, hang and lose their answers; after each command all jobs are checked. What is found
is shown as the shortest sequence that leads there. The same seed makes the same sequences.`

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' }
  }
})
if (values.help) console.log(usage)
else await main(Number(values.sequences), Number(values.seed))

async function main(sequences: number, seed: number): Promise<void> {
  if (!sequences || Number.isNaN(seed)) throw new Error(usage)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-model-'))
  const store = await createStore(openSqlite(join(folder, 'jobs.db')))
  try {
    const onProgress = (done: number) => console.log(`  ${done} of ${sequences} sequences`)
    const { commands, broken } = await runStateMachine({ store, sequences, seed, onProgress })
    for (const one of broken) console.log(one)
    console.log(`model: ${sequences} sequences, ${commands} commands, ${broken.length} broken`)
    process.exitCode = broken.length === 0 ? 0 : 1
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}
