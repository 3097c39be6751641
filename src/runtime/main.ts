/**
 * The training container's process: `main.ts train`. It may be PID 1, or the child of a supervisor that keeps an IPC
 * channel with it.
 */
import { type Lock, lock } from '../system/lock.ts'
import { readSettings, type Settings } from './settings.ts'
import { startAhead } from './start-python.ts'

const usage = `Usage: main.ts [train]
       main.ts prepare FOLDER

Runs the MLflow project of one training job over a folder in the shape of /opt/ml (SAGEMAKER_BASE_DIR), as Amazon
SageMaker starts a training container. Ends with the exit code of the project's program.

prepare builds the environment of the MLflow project in FOLDER, where jobs of that project find it: for an image that is
derived from the training image.
`

process.exitCode = await main(process.argv.slice(2))
process.exit()

async function main(words: string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(usage)
    return 0
  }
  const [command = 'train', ...rest] = words
  const known = new Map([
    ['train', 0],
    ['build', 0],
    ['standby', 0],
    ['load', 0],
    ['prepare', 1]
  ])
  if (known.get(command) !== rest.length) {
    const what =
      command === 'serve' ? 'This is a training container: it does not serve models.' : ''
    process.stderr.write(`${what || `Unknown arguments: ${words.join(' ')}.`}\n\n${usage}`)
    return 2
  }
  if (command === 'load') return load()
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, stop)
  // It may have happened while this was loaded.
  if (process.send && !process.connected) stop()
  let held: Lock | undefined
  try {
    const settings = readSettings(process.env)
    if (settings.lock && command !== 'build') held = await lock(settings.lock)
    if (command === 'prepare') {
      const { prepareAhead } = await import('./prepare.ts')
      const [folder = ''] = rest
      return await prepareAhead({
        settings,
        folder,
        log: process.stdout,
        signal: stopping.signal
      })
    }
    if (command === 'build') {
      const { build } = await import('./build.ts')
      return await build({ settings, log: process.stdout, signal: stopping.signal })
    }
    const begun =
      command === 'standby' ? await waitForJob(settings, stopping.signal) : begin(settings)
    if (!begun) return 0
    // Loaded when signals are heard already: PID 1 without a handler would be deaf to an early stop.
    const { train } = await import('./train.ts')
    return await train({
      ...begun,
      log: process.stdout,
      signal: stopping.signal,
      onProgram: programGroup => process.send?.({ programGroup })
    })
  } catch (error) {
    process.stderr.write(
      `mlflow-jobs: ${command === 'prepare' ? 'The environment could not be prepared' : 'The job could not be done'}. ${(error as Error).message}\n`
    )
    return 1
  } finally {
    // Not before: a lock that nothing refers to is given back when it is collected as garbage.
    held?.release()
  }
}

/** For Node's cache of what it compiles. */
async function load() {
  await import('./stand-by.ts')
  await import('./build.ts')
  await import('./train.ts')
  return 0
}

function begin(settings: Settings) {
  const python = startAhead(settings)
  return { settings, ...(python ? { ahead: { python } } : {}) }
}

async function waitForJob(settings: Settings, signal: AbortSignal) {
  const { standBy } = await import('./stand-by.ts')
  const told = await standBy(settings, signal)
  if (!told) return undefined
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, told.environment)
  return { settings: readSettings(process.env), ahead: told.ahead }
}
