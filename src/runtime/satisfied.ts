/** Whether an interpreter has already what an environment file asks for: then nothing need be built. */
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { ProjectEnvironment } from '../contract/project.ts'
import { isLocal, wantedPython } from './project-packages.ts'
import type { Variables } from './settings.ts'

export interface Question {
  environment: ProjectEnvironment
  pythonPin: 'exact' | 'minor'
  codeFolder: string
  env: Variables
}

/**
 * uv says so without a network: it would change nothing. Answers false in doubt: where uv is not there, and for
 * requirements that name files of the project, which may have changed. What is only needed to build (pip, setuptools) does not
 * count, nor do packages that pip has no name for.
 */
export async function isSatisfied(
  python: string,
  { environment, pythonPin, codeFolder, env }: Question
): Promise<boolean> {
  const { requirements, file } = environment
  if (requirements.some(isLocal)) return false
  const options = { env, extendEnv: false, reject: false } as const
  const { stdout: version } = await execa(python, ['--version'], options)
  if (!fits(version.replace('Python ', ''), wantedPython(environment, pythonPin))) return false
  const { failed, stderr } = await execa(
    'uv',
    // The last one lets uv look at an interpreter that belongs to the system.
    [
      'pip',
      'install',
      '--dry-run',
      '--offline',
      '--python',
      python,
      '--break-system-packages'
    ].concat('--requirement', '-'),
    {
      ...options,
      cwd: join(codeFolder, dirname(file ?? '')),
      input: requirements.map(line => `${line}\n`).join('')
    }
  )
  return !failed && (requirements.length === 0 || /Would make no changes/.test(stderr))
}

/** `wanted` is a version ("3.8.6", "3.10") or a range such as ">=3.8,<3.11"; null: any. */
export function fits(version: string, wanted: string | null): boolean {
  if (!/^\d+\.\d+\.\d+/.test(version)) return false
  return (wanted ?? '*').split(',').every(part => {
    const [, operator = '==', bound] =
      /^\s*(>=|<=|===?|!=|>|<)?\s*(\d+(?:\.\d+){0,2})(?:\.\*)?\s*$/.exec(part) ?? []
    if (bound === undefined) return part.trim() === '*'
    const numbers = bound.split('.').map(Number)
    const starts = numbers.every((number, index) => number === Number(version.split('.')[index]))
    const order = compare(version.split('.').map(Number), numbers)
    if (operator === '!=') return !starts
    if (operator === '>=') return order >= 0
    if (operator === '<=') return order <= 0
    if (operator === '>') return order > 0
    return operator === '<' ? order < 0 : starts
  })
}

function compare(version: number[], bound: number[]): number {
  const index = version.findIndex((number, place) => number !== (bound[place] ?? 0))
  return index === -1 ? 0 : (version[index] ?? 0) - (bound[index] ?? 0)
}
