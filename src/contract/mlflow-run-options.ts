/** The options of `mlflow run` that a hyperparameter `sagemaker_mlflow_run_<option>` can set. */
import { didYouMean } from './nearest.ts'

export interface MlflowRunOptions {
  entryPoint?: string
  experimentName?: string
  experimentId?: string
  runName?: string
  runId?: string
  envManager?: EnvManager
  /** minor: any patch release of the Python version that the project pins will do. */
  pythonPin?: 'exact' | 'minor'
  /** Where MLflow downloads the URIs that are given to parameters of type path. */
  storageDir?: string
}

export type EnvManager = 'local' | 'uv' | 'virtualenv' | 'conda'

/** Option as it is written -> member. */
export const runOptionMembers: ReadonlyMap<string, keyof MlflowRunOptions> = new Map([
  ['entry-point', 'entryPoint'],
  ['experiment-name', 'experimentName'],
  ['experiment-id', 'experimentId'],
  ['run-name', 'runName'],
  ['run-id', 'runId'],
  ['env-manager', 'envManager'],
  ['python-pin', 'pythonPin'],
  ['storage-dir', 'storageDir']
])

/** A flag that MLflow 2 removed and many scripts still set: it means the environment manager local. */
export const noConda = 'no-conda'

/** Options may be written with underscores, too. */
export const optionName = (written: string) => written.replaceAll('_', '-')

/** Sets one option; answers what is wrong with it, to be put behind its name. */
export function setRunOption(
  options: MlflowRunOptions,
  option: string,
  text: string
): string | undefined {
  const reason = senseless.get(option)
  if (reason !== undefined) return `sets --${option}, which has no meaning here: ${reason}.`
  const member = runOptionMembers.get(option)
  if (member === undefined) {
    const known = [...runOptionMembers.keys()]
    const hint = didYouMean(option, known, `; the options are ${known.join(', ')}.`)
    return `sets --${option}, which is no option of mlflow run${hint}`
  }
  if (isAbsent(text)) return `needs a value and is ${text === '' ? 'empty' : text}.`
  if (member === 'envManager') return setEnvManager(options, text)
  if (member === 'pythonPin') return setPythonPin(options, text)
  options[member] = text
  return undefined
}

/** How a flag is set: `null` as on the command line, what SDKs make of Python's None, or true. undefined: neither set nor unset. */
export function isFlagSet(text: string): boolean | undefined {
  if (isAbsent(text) || /^[Tt]rue$/.test(text)) return true
  return /^[Ff]alse$/.test(text) ? false : undefined
}

const isAbsent = (text: string) => text === '' || text === 'null' || text === 'None'

const senseless: ReadonlyMap<string, string> = new Map([
  ['backend', 'this container is the backend'],
  ['backend-config', 'this container is the backend'],
  ['docker-args', 'a container starts no other container'],
  ['build-image', 'a container builds no image'],
  ['skip-image-inspection', 'a container builds no image'],
  ['version', 'the code is the one that was submitted']
])

const envManagers: readonly EnvManager[] = ['local', 'uv', 'virtualenv', 'conda']

function setEnvManager(options: MlflowRunOptions, text: string): string | undefined {
  const manager = envManagers.find(known => known === text)
  if (manager === undefined) {
    const hint = didYouMean(text, envManagers, '')
    return `is ${JSON.stringify(text)}, and can be ${envManagers.join(', ')}${hint || '.'}`
  }
  options.envManager = manager
  return undefined
}

function setPythonPin(options: MlflowRunOptions, text: string): string | undefined {
  if (text !== 'exact' && text !== 'minor') {
    return `is ${JSON.stringify(text)}, and can be exact or minor.`
  }
  options.pythonPin = text
  return undefined
}
