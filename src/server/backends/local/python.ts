/** The interpreter that trains: the operator's own, checked, or one prepared on this machine, once. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, realpath, writeFile } from 'node:fs/promises'
import { arch, homedir, platform } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { buildOnce } from '../../../system/build-once.ts'
import { buildPython } from './build-python.ts'
import { explainBuildError } from './explain-build-error.ts'
import { askPython, findPython, isTooOld, tooOld } from './find-python.ts'

export interface PreparePythonOptions {
  /** The operator's interpreter, a path or a name on PATH: it is only checked. */
  python?: string | undefined
  /** Holds one environment for each text of requirements. */
  folder: string
  /** The path of a requirements.txt that pins uv. */
  requirements: string
  /** All that the building sees besides HOME: PATH, PIP_*, UV_*, proxies, certificates. */
  environment: Record<string, string>
  /** What is being done, in words; nothing is said when there is nothing to do. */
  onProgress(text: string): void
  signal?: AbortSignal | undefined
}

export interface PreparedPython {
  /** The interpreter's path. */
  python: string
  /** Its folder of programs. */
  bin: string
}

/** Changes when environments are laid out in another way. */
const layout = 1

/** Rejects with an Error whose message is a sentence that says what to do. */
export async function preparePython(options: PreparePythonOptions): Promise<PreparedPython> {
  // Where pip and uv keep what they downloaded, and pyenv its interpreters.
  const environment = { HOME: homedir(), ...options.environment }
  return options.python
    ? await checkPython(options.python, environment)
    : await managedPython({ ...options, environment })
}

async function checkPython(
  python: string,
  environment: Record<string, string>
): Promise<PreparedPython> {
  const interpreter = await askPython(python, environment)
  const problem = `PYTHON is ${python}, which`
  if (!interpreter)
    throw new Error(
      `${problem} cannot be run as a Python interpreter. Set it to the path of one that has mlflow and uv, or leave it unset: then one is prepared.`
    )
  if (isTooOld(interpreter)) throw new Error(`PYTHON is ${python}. ${tooOld(interpreter)}`)
  const missing = (['mlflow', 'uv'] as const).filter(name => interpreter[name] === null)
  if (missing.length > 0)
    throw new Error(
      `${problem} has no ${missing.join(' and no ')}. Run "${interpreter.executable} -m pip install ${missing.join(' ')}", or leave PYTHON unset: then an environment is prepared.`
    )
  return { python: interpreter.executable, bin: dirname(interpreter.executable) }
}

async function managedPython(options: PreparePythonOptions): Promise<PreparedPython> {
  const { requirements, environment, onProgress, signal } = options
  const folder = resolve(options.folder)
  const text = await readFile(requirements, 'utf8')
  const { link } = await buildOnce({
    root: folder,
    key: keyOf(text),
    usable,
    build: place => prepare(place, text, options),
    onWait: () => onProgress('waiting for another process that prepares it'),
    signal
  }).catch(error => {
    throw explainBuildError(error, folder, environment)
  })
  const bin = join(link, 'venv', 'bin')
  return { python: join(bin, 'python'), bin }
}

const keyOf = (requirements: string) =>
  createHash('sha256')
    .update(JSON.stringify([layout, platform(), arch(), requirements]))
    .digest('hex')
    .slice(0, 16)

/** The interpreter that the environment was built with is still there, and of the same minor version. */
async function usable(place: string): Promise<boolean> {
  try {
    const python = join(place, 'venv', 'bin', 'python')
    await access(python, constants.X_OK)
    return (await interpreterName(python)) === (await readFile(join(place, 'interpreter'), 'utf8'))
  } catch {
    return false
  }
}

async function prepare(
  place: string,
  requirements: string,
  { environment, onProgress, signal }: PreparePythonOptions
): Promise<void> {
  const base = await findPython(environment)
  const start = performance.now()
  const venv = join(place, 'venv')
  await buildPython({ base, venv, requirements, environment, onProgress, signal })
  await writeFile(join(place, 'interpreter'), await interpreterName(join(venv, 'bin', 'python')))
  onProgress(`done in ${Math.round((performance.now() - start) / 1000)} s`)
}

/** Such as `python3.11`: an upgrade of the system leads the environment's link to another. */
const interpreterName = async (python: string) => basename(await realpath(python))
