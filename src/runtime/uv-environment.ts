/** Environments built by uv, of python_env and conda_env files alike (the contract has translated the latter). */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { ProjectEnvironment } from '../contract/project.ts'
import { buildOnce } from '../system/build-once.ts'
import { use } from '../system/in-use.ts'
import { uvVariables } from '../system/uv-variables.ts'
import { TrainingError } from './failure.ts'
import { missingPython } from './missing-python.ts'
import type { Prepared, PrepareOptions } from './prepare-environment.ts'
import { isLocal, wantedPython } from './project-packages.ts'
import { withPyenvVersions } from './pyenv-versions.ts'
import { type Builder, runBuilder } from './run-builder.ts'

const layout = 2

/** Packages of before 2026 import pkg_resources, which later ones have no more. A project that names its own gets that. */
const setuptools = 'setuptools<82'

/**
 * What uv refuses and pip takes: metadata of before PEP 440 (pandas 0.22), and lists with hashes that leave out what is
 * there already (setuptools, as pip-compile writes them).
 */
const onlyByPip = /not part of a valid version|no trusted hash was provided/

export async function prepareUv(given: PrepareOptions): Promise<Prepared> {
  const requirements = [...given.environment.requirements, ...given.packages]
  const options = { ...given, environment: { ...given.environment, requirements } }
  const { environment, settings, codeFolder, say, signal } = options
  const builder = {
    cwd: join(codeFolder, dirname(environment.file ?? '')),
    env: {
      ...uvVariables(settings.buildVariables),
      PATH: await withPyenvVersions(settings.buildVariables.PATH ?? '')
    },
    log: options.log,
    signal
  }
  const python = wantedPython(environment, options.pythonPin)
  if (environment.untranslated.length > 0) {
    say(`Without conda these are not installed: ${environment.untranslated.join(', ')}.`)
  }
  const build = (folder: string) => buildWithUv(folder, python, options, builder)
  const { folder, reused, uses } = requirements.some(isLocal)
    ? await buildPrivately(options, build)
    : await buildShared(await keyOf(environment, python, options), options, build)
  const bin = join(folder, 'venv', 'bin')
  return {
    interpreter: join(bin, 'python'),
    python: await pythonVersion(join(folder, 'venv')),
    reused,
    uses: [uses],
    variables: {
      PATH: `${bin}:${settings.variables.PATH}`,
      VIRTUAL_ENV: join(folder, 'venv')
    }
  }
}

type Build = (folder: string) => Promise<void>

/** What is used is held until this process ends; what it is built from, only while it is built. */
async function buildShared(
  key: string,
  { settings: { environments: root }, say, signal }: PrepareOptions,
  build: Build
) {
  await mkdir(root, { recursive: true })
  const uses = join(root, key)
  await use(uses, signal)
  const built = await buildOnce({
    root,
    key,
    async build(folder) {
      const held = await use(join(root, 'building'), signal)
      await build(folder).finally(held.release)
    },
    onWait: () => say('Waiting for another job that builds this environment.'),
    signal
  })
  return { ...built, uses }
}

/** Its interpreter may be one that uv has fetched: it is held until this process ends. */
async function buildPrivately(
  { privateFolder: folder, settings, signal }: PrepareOptions,
  build: Build
) {
  await mkdir(settings.environments, { recursive: true })
  const uses = join(settings.environments, 'building')
  await use(uses, signal)
  await mkdir(folder, { recursive: true })
  await build(folder)
  return { folder, reused: false, uses }
}

async function keyOf(
  { requirements, buildRequirements }: ProjectEnvironment,
  python: string | null,
  { settings }: PrepareOptions
): Promise<string> {
  const env = settings.buildVariables
  const { stdout: uv } = await execa('uv', ['--version'], { env, extendEnv: false }).catch(
    error => {
      throw new TrainingError(
        'platform',
        `uv, which builds the environments of projects, cannot be run: ${error.shortMessage}`,
        { cause: error }
      )
    }
  )
  const own = await execa(settings.python, ['--version'], { env, extendEnv: false })
  const facts = [
    layout,
    'uv',
    uv,
    platform(),
    arch(),
    python ?? own.stdout,
    buildRequirements,
    requirements
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

async function buildWithUv(
  folder: string,
  python: string | null,
  { environment, settings, say }: PrepareOptions,
  builder: Builder
): Promise<void> {
  const venv = join(folder, 'venv')
  say(`Building the environment of ${environment.file} by uv.`)
  try {
    const base = ['venv', '--seed', '--no-project', '--python', python ?? settings.python, venv]
    await runBuilder('The Python environment could not be made', 'uv', base, builder)
  } catch (error) {
    throw (python && (await missingPython(python, environment, builder))) || error
  }
  const interpreter = join(venv, 'bin', 'python')
  const what = `What ${environment.file} requires could not be installed`
  const byUv = ['pip', 'install', '--python', interpreter]
  await runBuilder(what, 'uv', [...byUv, setuptools], builder)
  for (const [name, lines] of [
    ['build-requirements.txt', environment.buildRequirements],
    ['requirements.txt', environment.requirements]
  ] as const) {
    if (lines.length === 0) continue
    const file = join(folder, name)
    await writeFile(file, lines.map(line => `${line}\n`).join(''))
    try {
      await runBuilder(what, 'uv', [...byUv, '--requirement', file], builder)
    } catch (error) {
      if (!(error instanceof TrainingError && onlyByPip.test(error.message))) throw error
      say('uv does not take these requirements, so pip installs them.')
      const byPip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--requirement', file]
      await runBuilder(what, interpreter, byPip, builder)
    }
  }
}

async function pythonVersion(venv: string): Promise<string | null> {
  const text = await readFile(join(venv, 'pyvenv.cfg'), 'utf8')
  return /^version_info = (\d+\.\d+\.\d+)/m.exec(text)?.[1] ?? null
}
