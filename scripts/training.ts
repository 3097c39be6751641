/** What tests, chaos and bench share: one prepared training environment, and one tracking server while they run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMlflowServer } from '../src/server/backends/local/mlflow-server.ts'
import { preparePython } from '../src/server/backends/local/python.ts'
import { readConfig } from '../src/server/config.ts'

export interface Training {
  /** The interpreter that has mlflow. */
  python: string
  trackingUri: string
}

/** Where the demo keeps its data, and all share the training environment: outside the tree, so that npm ci leaves it. */
export const cacheFolder = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'mlflow-jobs'
)

const root = join(import.meta.dirname, '..')

/** Prepares the environment where it is not there yet; PYTHON names another one. */
export async function prepareTraining(folder: string, onProgress: (text: string) => void) {
  const { python, buildEnvironment, jobEnvironment } = readConfig(process.env)
  return preparePython({
    folder: join(folder, 'python'),
    requirements: join(root, 'src', 'runtime', 'requirements.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress,
    ...(python ? { python } : {})
  })
}

/** Prepares what test/requirements.txt names where it is not there yet; TEST_TOOLS_PYTHON names another interpreter. */
export async function prepareTestTools(onProgress: (text: string) => void): Promise<string> {
  const { TEST_TOOLS_PYTHON } = process.env
  if (TEST_TOOLS_PYTHON) return TEST_TOOLS_PYTHON
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const { python } = await preparePython({
    folder: join(cacheFolder, 'test-tools'),
    requirements: join(root, 'test', 'requirements.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress
  })
  return python
}

/** The tracking server ends when `use` does, and its folder is removed. */
export async function withTraining<Result>(
  use: (training: Training) => Promise<Result>
): Promise<Result> {
  const onProgress = (text: string) => console.log(`  ${text}`)
  const { python } = await prepareTraining(cacheFolder, onProgress)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-tracking-'))
  const { jobEnvironment } = readConfig(process.env)
  const server = createMlflowServer({ folder, python, environment: jobEnvironment, onProgress })
  const end = async () => {
    await server.close({ keep: false })
    await rm(folder, { recursive: true, force: true })
  }
  const interrupted = () => void end().then(() => process.exit(130))
  // Not once: execa's own listener ends the process at once when it finds no other left.
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  try {
    return await use({ python, trackingUri: await server.ready() })
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await end()
  }
}
