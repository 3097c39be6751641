/** The walls of one job: that of its runtime and program, and that of what builds its environment. */
import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { secretFromPrefix, secretNamesVariable } from '../../../contract/secrets.ts'
import { folderBehindWall, type JobFile, type JobFolder } from './job-folder.ts'
import type { JobLimits } from './limits.ts'
import { sharedFolders, sharedVariables } from './shared-folders.ts'
import { type WallBase, wallIn } from './wall.ts'

export interface WalledInOptions {
  /** DATA_DIR */
  dataDir: string
  tenant: string
  /** As for a runtime that builds its environment itself. */
  environment: Record<string, string>
  /** The operator's, which stand over the job's where an environment is built. */
  buildVariables: Record<string, string>
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
  { place, now }: Record<'place' | 'now', JobFolder>,
  base: WallBase,
  { dataDir, tenant, environment, buildVariables, limits, data = [] }: WalledInOptions
): Promise<Pick<JobFile, 'wall' | 'environment' | 'build'>> {
  const names = new Set(environment.MLFLOW_JOBS_BUILD_ONLY?.split(','))
  const shared = await sharedFolders({ dataDir, tenant, buildVariables, user: base.user })
  const inside = folderBehindWall(dataDir)
  const shownFrom = ({ tree, home, temporary }: JobFolder) => [
    { path: tree.base, as: inside.tree.base },
    { path: home, as: inside.home },
    { path: temporary, as: inside.temporary }
  ]
  const common = {
    workingFolder: inside.tree.base,
    sharedBytes: limits.memoryMb * 1024 ** 2
  }
  const withoutBuilding = Object.entries(environment).filter(([name]) => !names.has(name))
  return {
    environment: {
      ...Object.fromEntries(withoutBuilding),
      MLFLOW_JOBS_BUILD_ONLY: '',
      MLFLOW_JOBS_BUILDER: 'parent'
    },
    wall: wallIn(base, {
      ...common,
      temporary: now.temporary,
      own: [...shownFrom(now), { path: now.runtimeLock, as: inside.runtimeLock }],
      readOnly: [...shared.read, ...data]
    }),
    build: {
      arguments: [runtimeMain, 'build'],
      environment: {
        ...withoutSecrets(environment),
        ...buildVariables,
        ...shared.variables
      },
      wall: wallIn(base, {
        ...common,
        temporary: place.temporary,
        own: shownFrom(place),
        readOnly: [...shared.read, ...settingsIn(buildVariables)],
        readWrite: shared.written
      })
    }
  }
}

/** What the job's processes may write in. */
export const ownFolders = ({ tree, home, temporary }: JobFolder) => [tree.base, home, temporary]

/** The packages' code has nothing to do with the job's secrets, nor with where they are. */
function withoutSecrets(environment: Record<string, string>): Record<string, string> {
  const secrets = environment[secretNamesVariable]?.split(',') ?? []
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !name.startsWith(secretFromPrefix) && !secrets.includes(name)
    )
  )
}

/** Certificates, and folders of packages, as the operator names them: a job's own variables open nothing. */
const settingsIn = (buildVariables: Record<string, string>) =>
  Object.entries(buildVariables).flatMap(([name, value]) =>
    !sharedVariables.includes(name) && isAbsolute(value) && existsSync(value) ? [value] : []
  )
