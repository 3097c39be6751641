/** Environments built by conda itself, where it is on the machine. */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { buildOnce } from '../system/build-once.ts'
import type { Prepared, PrepareOptions } from './prepare-environment.ts'
import { runBuilder } from './run-builder.ts'

/** Lines of the file that name other files of the project, so that its environment is the project's alone. */
const localLine = /^\s*-\s+["']?(?:-[erc]\s|\.{0,2}\/|file:)/m

export async function prepareConda(options: PrepareOptions): Promise<Prepared> {
  const { environment, settings, codeFolder, privateFolder, say, signal, log } = options
  const file = join(codeFolder, environment.file ?? '')
  const text = await readFile(file, 'utf8')
  const build = async (folder: string) => {
    say(`Building the environment of ${environment.file} by conda.`)
    await runBuilder(
      `The environment of ${environment.file} could not be built`,
      'conda',
      ['env', 'create', '--quiet', '--prefix', join(folder, 'conda'), '--file', file],
      { cwd: dirname(file), env: settings.buildVariables, log, signal }
    )
  }
  const key = createHash('sha256').update(JSON.stringify(['conda', platform(), arch(), text]))
  const local = localLine.test(text)
  if (local) {
    await mkdir(privateFolder, { recursive: true })
    await build(privateFolder)
  }
  const { folder, reused } = local
    ? { folder: privateFolder, reused: false }
    : await buildOnce({
        root: settings.environments,
        key: key.digest('hex'),
        build,
        onWait: () => say('Waiting for another job that builds this environment.'),
        signal
      })
  const prefix = join(folder, 'conda')
  return {
    python: environment.python,
    reused,
    variables: {
      PATH: `${join(prefix, 'bin')}:${settings.variables.PATH}`,
      CONDA_PREFIX: prefix,
      CONDA_DEFAULT_ENV: prefix
    }
  }
}
