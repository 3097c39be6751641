/** The walls of one job: that of its runtime and program, and that of what builds its environment. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { secretFromPrefix } from '../../../contract/secrets.ts'
import type { JobFile, JobFolder } from './job-folder.ts'
import { give, giveAlone } from './job-user.ts'
import type { JobLimits } from './limits.ts'
import { type WallBase, wallIn } from './wall.ts'

export interface WalledInOptions {
  /** As for a runtime that builds its environment itself. */
  environment: Record<string, string>
  limits: JobLimits
  /** Folders and files that the job refers to, to be read. */
  data?: string[]
}

const runtimeMain = join(import.meta.dirname, '../../../runtime/main.ts')

/**
 * The program can write in the job's own folders alone, and is given no variables of building. What builds, which is the
 * packages' code, can write where the tenant's environments are kept. Supervisor and service write the rest of the folder.
 */
export async function walledIn(
  { tree, home, temporary, runtimeLock }: JobFolder,
  base: WallBase,
  { environment, limits, data = [] }: WalledInOptions
): Promise<Pick<JobFile, 'wall' | 'environment' | 'build'>> {
  const names = new Set(environment.MLFLOW_JOBS_BUILD_ONLY?.split(','))
  const shared = await sharedFolders(environment)
  await writeFile(runtimeLock, '', { flag: 'a', mode: 0o600 })
  const own = [tree.base, home, temporary]
  if (base.user) {
    await give([...own, runtimeLock], base.user)
    for (const path of shared.all) await giveAlone(path, base.user)
  }
  const common = { temporary, sharedBytes: limits.memoryMb * 1024 ** 2 }
  const withoutBuilding = Object.entries(environment).filter(([name]) => !names.has(name))
  return {
    environment: {
      ...Object.fromEntries(withoutBuilding),
      MLFLOW_JOBS_BUILD_ONLY: '',
      MLFLOW_JOBS_BUILDER: 'parent'
    },
    wall: wallIn(base, {
      ...common,
      readOnly: [...shared.used, ...data],
      readWrite: [...own, runtimeLock]
    }),
    build: {
      arguments: [runtimeMain, 'build'],
      environment: withoutReferences(environment),
      wall: wallIn(base, {
        ...common,
        readOnly: settingsOf(environment, names),
        readWrite: [...own, ...shared.written]
      })
    }
  }
}

/** What environments are made of, and made from. One folder above both, where it is: links do not cross what is shown apart. */
async function sharedFolders(environment: Record<string, string>) {
  const { MLFLOW_JOBS_ENVIRONMENTS: environments = '' } = environment
  const { UV_PYTHON_INSTALL_DIR: pythons = '', UV_CACHE_DIR = '', PIP_CACHE_DIR = '' } = environment
  const tenant = dirname(environments)
  const written = [environments, pythons, UV_CACHE_DIR, PIP_CACHE_DIR].filter(isAbsolute)
  for (const folder of written) await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    used: [environments, pythons].filter(isAbsolute),
    written: [tenant, ...written.filter(folder => !folder.startsWith(`${tenant}/`))],
    all: [tenant, dirname(UV_CACHE_DIR), ...written].filter(
      folder => folder === tenant || folder.startsWith(`${tenant}/`)
    )
  }
}

/** The packages' code has nothing to do with the job's secrets. */
const withoutReferences = (environment: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith(secretFromPrefix))
  )

/** Certificates, and folders of packages. */
const settingsOf = (environment: Record<string, string>, names: Set<string>) =>
  [...names]
    .map(name => environment[name] ?? '')
    .filter(value => isAbsolute(value) && existsSync(value))
