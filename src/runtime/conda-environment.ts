/** Environments that conda builds, where it is on the machine. */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { buildOnce } from '../system/build-once.ts'
import { use } from '../system/in-use.ts'
import { addPackages } from './add-packages.ts'
import type { Prepared, PrepareOptions } from './prepare-environment.ts'
import { type Builder, runBuilder } from './run-builder.ts'
import { updateTrainingEnvironment } from './training-environment.ts'

/** Lines of the file that name other files of the project, so that its environment is the project's alone. */
const localLine = /^\s*-\s+["']?(?:-[erc]\s|\.{0,2}\/|file:)/m

/** A container's one environment is brought up to date; where jobs share environments, each file has its own. */
export async function prepareConda(options: PrepareOptions): Promise<Prepared> {
  const { environment, settings, codeFolder, log, signal } = options
  const file = join(codeFolder, environment.file ?? '')
  const builder = { cwd: dirname(file), env: settings.buildVariables, log, signal }
  return settings.condaEnvironment
    ? updateTrainingEnvironment(settings.condaEnvironment, file, builder, options)
    : buildPrefix(file, builder, options)
}

async function buildPrefix(
  file: string,
  builder: Builder,
  options: PrepareOptions
): Promise<Prepared> {
  const { environment, settings, privateFolder, packages, say, signal } = options
  const text = await readFile(file, 'utf8')
  const build = async (folder: string) => {
    say(`Building the environment of ${environment.file} by conda.`)
    await runBuilder(
      `The environment of ${environment.file} could not be built`,
      'conda',
      ['env', 'create', '--quiet', '--prefix', join(folder, 'conda'), '--file', file],
      builder
    )
    await addPackages(join(folder, 'conda', 'bin', 'python'), packages, builder)
  }
  const facts = ['conda', platform(), arch(), text, ...packages]
  const key = createHash('sha256').update(JSON.stringify(facts)).digest('hex')
  const local = localLine.test(text)
  if (local) {
    await mkdir(privateFolder, { recursive: true })
    await build(privateFolder)
  }
  const uses = local ? [] : [join(settings.environments, key)]
  if (!local) await mkdir(settings.environments, { recursive: true })
  // Until this process ends, so that nobody removes it under the program.
  for (const path of uses) await use(path, signal)
  const { folder, reused } = local
    ? { folder: privateFolder, reused: false }
    : await buildOnce({
        root: settings.environments,
        key,
        build,
        onWait: () => say('Waiting for another job that builds this environment.'),
        signal
      })
  const prefix = join(folder, 'conda')
  return {
    interpreter: join(prefix, 'bin', 'python'),
    python: environment.python,
    reused,
    uses,
    variables: {
      PATH: `${join(prefix, 'bin')}:${settings.variables.PATH}`,
      CONDA_PREFIX: prefix,
      CONDA_DEFAULT_ENV: prefix
    }
  }
}
