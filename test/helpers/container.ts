/** Containers as scripts/images.ts has them run. */
import { execa } from 'execa'

export const trainImage = process.env.TRAIN_IMAGE || 'mlflow-jobs-train'
export const apiImage = process.env.API_IMAGE || 'mlflow-jobs'
export const slimImage = process.env.SLIM_IMAGE || 'mlflow-jobs:slim'

/** A command and its first arguments; options of `docker run` follow. */
const online = process.env.CONTAINER_RUN || 'docker run --rm'
const offline = process.env.CONTAINER_RUN_OFFLINE || `${online} --network none`

/** Lets a container reach this machine's loopback; a command other than the engine's own must see to it itself. */
export const hostNetwork = online.includes(' run ') ? ['--network', 'host'] : []

/** Signals to the process reach the container's process 1; `all` of its result is what the container printed. */
export function runContainer(words: string[], { network = true }: { network?: boolean } = {}) {
  const [command = '', ...first] = (network ? online : offline).split(' ')
  return execa(command, [...first, ...words], {
    all: true,
    reject: false,
    stdin: 'ignore',
    // How long a container takes to stop is not its client's to say.
    forceKillAfterDelay: false
  })
}

/** Runs a command of the engine, such as `inspect`. */
export const engine = (...words: string[]) =>
  execa(process.env.CONTAINER_ENGINE || 'docker', words, { all: true, reject: false })
