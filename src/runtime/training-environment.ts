/**
 * The environment that a container keeps for the one project it runs, as in the odahu container: images derived from it have
 * updated it ahead, and where that was enough, conda has nothing to do.
 */
import { join } from 'node:path'
import { execa } from 'execa'
import { readCondaPackage } from '../contract/conda-packages.ts'
import { addPackages } from './add-packages.ts'
import { TrainingError } from './failure.ts'
import type { Prepared, PrepareOptions } from './prepare-environment.ts'
import { type Builder, runBuilder } from './run-builder.ts'
import { isSatisfied } from './satisfied.ts'
import type { Variables } from './settings.ts'

export async function updateTrainingEnvironment(
  name: string,
  file: string,
  builder: Builder,
  options: PrepareOptions
): Promise<Prepared> {
  const { environment, settings, packages, say } = options
  const present = await activate(name, settings.variables)
  const reused = present !== undefined && (await holdsAll(name, present, options))
  if (reused) say(`The conda environment ${name} has all that ${environment.file} requires.`)
  else {
    say(`Updating the conda environment ${name} from ${environment.file}.`)
    await runBuilder(
      `The conda environment ${name} could not be updated from ${environment.file}`,
      'conda',
      ['env', 'update', '--quiet', '--name', name, '--file', file],
      builder
    )
  }
  const variables = (reused && present) || (await activate(name, settings.variables))
  if (!variables) {
    throw new TrainingError('platform', `The conda environment ${name} cannot be activated.`)
  }
  const interpreter = pythonOf(variables)
  await addPackages(interpreter, packages, builder)
  return { interpreter, python: await versionOf(variables), reused, variables }
}

/** The variables of the activated environment; undefined where there is none of that name. */
async function activate(name: string, env: Variables): Promise<Variables | undefined> {
  // Of the process that conda starts in the environment, not of this one.
  const print = [process.execPath, '--print', 'JSON.stringify(process.env)']
  const { stdout, failed } = await execa('conda', ['run', '--name', name, ...print], {
    env,
    extendEnv: false,
    reject: false,
    lines: true
  })
  // Scripts of packages that run on activation may print, too.
  const line = stdout.findLast(line => line.startsWith('{'))
  return failed || line === undefined ? undefined : JSON.parse(line)
}

async function holdsAll(
  name: string,
  variables: Variables,
  { environment, pythonPin, codeFolder, settings }: PrepareOptions
): Promise<boolean> {
  const env = settings.buildVariables
  const question = { environment, pythonPin, codeFolder, env }
  return (
    (await isSatisfied(pythonOf(variables), question)) &&
    (await hasCondaPackages(name, environment.untranslated, env))
  )
}

/** Packages that pip does not know. Of a range of versions nothing is said here: conda is to see to it. */
async function hasCondaPackages(name: string, specs: string[], env: Variables): Promise<boolean> {
  if (specs.length === 0) return true
  const { stdout, failed } = await execa('conda', ['list', '--name', name, '--json'], {
    env,
    extendEnv: false,
    reject: false
  })
  if (failed) return false
  const list = JSON.parse(stdout) as { name: string; version: string }[]
  const installed = new Map(list.map(each => [each.name, each.version]))
  return specs.every(spec => {
    const wanted = readCondaPackage(spec)
    const version = wanted && installed.get(wanted.name)
    if (wanted === undefined || version === undefined || wanted.versionDropped) return false
    const [, bound, line] = /^==([\w.]+?)(\.\*)?$/.exec(wanted.version) ?? []
    if (bound === undefined) return wanted.version === ''
    return version === bound || (line !== undefined && version.startsWith(`${bound}.`))
  })
}

const pythonOf = ({ CONDA_PREFIX = '' }: Variables) => join(CONDA_PREFIX, 'bin', 'python')

async function versionOf(env: Variables): Promise<string | null> {
  const { stdout } = await execa(pythonOf(env), ['--version'], {
    env,
    extendEnv: false,
    reject: false
  })
  return /^Python (\S+)/.exec(stdout)?.[1] ?? null
}
