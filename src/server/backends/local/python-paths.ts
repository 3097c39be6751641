/** Where an interpreter and all that it imports lie. */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { execa } from 'execa'

const ask = 'import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, *sys.path]))'

/** As they are named, and as they are: links lead from one to the other. */
export async function pythonPaths(python: string, env: Record<string, string>): Promise<string[]> {
  const { stdout } = await execa(python, ['-c', ask], { env, extendEnv: false })
  const told = [...(JSON.parse(stdout) as string[]), dirname(python)]
  const paths = told.filter(path => isAbsolute(path) && existsSync(path))
  return [...new Set(paths.flatMap(path => [path, realpathSync(path)]))]
}
