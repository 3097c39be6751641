/** uv's own words for a Python that cannot be had are a page of warnings. */
import { execa } from 'execa'
import type { ProjectEnvironment } from '../contract/project.ts'
import { userError } from './failure.ts'
import type { Builder } from './run-builder.ts'

/** Which Python is wanted and which there are, as an error for the project's author; undefined when it is there. */
export async function missingPython(
  python: string,
  { file }: ProjectEnvironment,
  { cwd, env }: Builder
): Promise<Error | undefined> {
  const uv = (commandArguments: string[]) =>
    execa('uv', commandArguments, { cwd, env, extendEnv: false, reject: false, lines: true })
  const found = await uv(['python', 'find', '--system', '--no-project', python])
  if (!found.failed) return undefined
  const versions = async (flag: string) => {
    const { stdout } = await uv(['python', 'list', '--no-config', flag])
    const all = stdout.flatMap(line => /^cpython-(\d+\.\d+\.\d+)-/.exec(line)?.[1] ?? [])
    return [...new Set(all)]
  }
  const installed = await versions('--only-installed')
  const minors = (await versions('--only-downloads')).map(version => version.replace(/\.\d+$/, ''))
  const sentences = [
    `Python ${python}, which ${file} pins, is not on this machine and could not be downloaded.`,
    installed.length > 0 ? `This machine has ${installed.join(', ')}.` : '',
    minors.length > 0
      ? `uv can download ${[...new Set(minors)].join(', ')} where there is a network.`
      : '',
    /^\d+\.\d+\.\d+$/.test(python)
      ? `Pin one of these, or let any release of Python ${python.replace(/\.\d+$/, '')} do by run.pythonPin: "minor".`
      : 'Pin one of these.'
  ]
  return userError(sentences.filter(Boolean).join(' '))
}
