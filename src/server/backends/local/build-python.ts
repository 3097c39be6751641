/** Makes the training environment: a virtual environment, in it uv, and by uv the rest. */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { uvVariables } from '../../../system/uv-variables.ts'
import type { Interpreter } from './find-python.ts'

export interface BuildPythonOptions {
  base: Interpreter
  /** The folder to make. */
  venv: string
  /** The text of requirements.txt. */
  requirements: string
  environment: Record<string, string>
  onProgress(text: string): void
  signal?: AbortSignal | undefined
}

export async function buildPython(options: BuildPythonOptions): Promise<void> {
  const { base, venv, requirements, environment, onProgress, signal } = options
  const python = join(venv, 'bin', 'python')
  const file = join(dirname(venv), 'requirements.txt')
  await writeFile(file, requirements)
  const [uv, others] = split(requirements)
  const run = execa({
    cwd: dirname(venv),
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    ...(signal ? { cancelSignal: signal } : {})
  })

  onProgress(`creating a virtual environment with Python ${base.version}`)
  await run(base.executable, ['-m', 'venv', venv])
  onProgress(`downloading ${uv}`)
  await run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', uv])
  onProgress(`downloading and installing ${others.join(', ')} and what it needs`)
  // Compiled now: PYTHONDONTWRITEBYTECODE, where it is set, would make every later import slow.
  const install = [
    'pip',
    'install',
    '--python',
    python,
    '--compile-bytecode',
    '--requirement',
    file
  ]
  const installing = run(join(venv, 'bin', 'uv'), install, { env: uvVariables(environment) })
  for await (const line of installing.iterable({ from: 'stderr' })) {
    if (/^(?:Resolved|Prepared|Bytecode compiled) /.test(line)) onProgress(lowerFirst(line))
    if (line.startsWith('Installed ')) onProgress(`${lowerFirst(line)}; compiling them`)
  }
}

/** The line that pins uv, and the others. */
function split(requirements: string): [string, string[]] {
  const lines = requirements.split('\n').map(line => line.replace(/#.*/, '').trim())
  const pins = lines.filter(Boolean)
  const uv = pins.find(line => /^uv==/.test(line))
  if (!uv) throw new Error('The requirements of the training environment do not pin uv.')
  return [uv, pins.filter(line => line !== uv)]
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
