/** What the user's program runs in: the interpreter's own environment, or one that is built from the project's file. */
import { execa } from 'execa'
import type { EnvManager } from '../contract/mlflow-run-options.ts'
import type { ProjectEnvironment } from '../contract/project.ts'
import { askBuilder } from './ask-builder.ts'
import { prepareConda } from './conda-environment.ts'
import { userError } from './failure.ts'
import { isSatisfied } from './satisfied.ts'
import type { Settings, Variables } from './settings.ts'
import { prepareUv } from './uv-environment.ts'

export type Manager = 'local' | 'uv' | 'conda'

export interface Prepared {
  /** The interpreter of the environment: its path, or its name on the PATH. */
  interpreter: string
  /** null: not known. */
  python: string | null
  reused: boolean
  /** What to add to the program's variables, PATH included. */
  variables: Variables
  /** What is used until the job's end, as in-use.ts means it. */
  uses?: string[]
}

export interface PrepareOptions {
  manager: Manager
  environment: ProjectEnvironment
  pythonPin: 'exact' | 'minor'
  settings: Settings
  codeFolder: string
  /** What is to be installed besides what the environment file requires. */
  packages: string[]
  /** Where an environment goes that only this job may use. */
  privateFolder: string
  say(text: string): void
  log: NodeJS.WritableStream
  signal: AbortSignal
}

export interface Choice {
  /** What the caller asks for. */
  wanted: EnvManager | undefined
  environment: ProjectEnvironment
  pythonPin: 'exact' | 'minor'
  codeFolder: string
  settings: Settings
}

/**
 * Where no environment is named there is nothing to build, nor where the interpreter that has mlflow has all that the file
 * requires; conda builds conda's files where it is to be had, else uv.
 */
export async function chooseManager(choice: Choice): Promise<{ manager: Manager; note?: string }> {
  const { wanted, environment, settings } = choice
  const { kind, file } = environment
  if (kind === 'none') return { manager: 'local' }
  const conda = kind === 'conda_env' && (await hasConda(settings.variables))
  // As in the odahu container: local means its one environment, and that is kept up to date.
  if (wanted === 'local') {
    return { manager: conda && settings.condaEnvironment ? 'conda' : 'local' }
  }
  if (wanted === 'conda') {
    if (kind === 'python_env') {
      throw userError(
        'The environment manager conda cannot build a python_env. Leave env-manager out, or choose uv.'
      )
    }
    if (conda) return { manager: 'conda' }
    throw userError(
      'The environment manager conda was asked for, but there is no conda on this machine. Leave env-manager out: uv then builds the environment from the same file.'
    )
  }
  if (wanted === 'virtualenv') {
    return {
      manager: 'uv',
      note: 'The environment is built by uv, which takes the place of virtualenv.'
    }
  }
  if (wanted === 'uv') return { manager: 'uv' }
  if (conda) return { manager: 'conda' }
  const { pythonPin, codeFolder } = choice
  const question = { environment, pythonPin, codeFolder, env: settings.buildVariables }
  if (await isSatisfied(settings.python, question)) {
    const note = `The environment of ${file} is not built: ${settings.python} has all that it requires.`
    return { manager: 'local', note }
  }
  return { manager: 'uv' }
}

export async function prepareEnvironment(options: PrepareOptions): Promise<Prepared> {
  if (options.manager !== 'local' && options.settings.asksBuilder) return askBuilder(options)
  if (options.manager === 'uv') return prepareUv(options)
  if (options.manager === 'conda') return prepareConda(options)
  const { python, arnVariables } = options.settings
  return { interpreter: python, python: null, reused: true, variables: arnVariables }
}

async function hasConda(env: Variables): Promise<boolean> {
  const { failed } = await execa('conda', ['--version'], { env, extendEnv: false, reject: false })
  return !failed
}
