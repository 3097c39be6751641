/** Where a tenant's environments are made and kept, and what they are made from: the packages' code writes there. */
import { lstat, mkdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { tenantFolder } from './build-folders.ts'
import { give } from './give.ts'
import type { JobUser } from './job-user.ts'
import { isBelow } from './real-path.ts'

export interface SharedFolders {
  /** By what builds; no job of another tenant does. */
  written: string[]
  /** By jobs. */
  read: string[]
  /** Where the operator's caches would be those of all tenants. */
  variables: Record<string, string>
}

export interface Sharing {
  /** DATA_DIR */
  dataDir: string
  tenant: string
  buildVariables: Record<string, string>
  user?: JobUser | undefined
}

const caches = ['UV_CACHE_DIR', 'PIP_CACHE_DIR']

/** What these name is shown as said here, and not otherwise. */
export const sharedVariables = [...caches, 'UV_PYTHON_INSTALL_DIR']

/**
 * The tenant's folder as a whole: what lies in it is whatever packages put there, and a link is to lead somewhere behind the
 * wall only. So nothing is made, given or shown below it from outside.
 */
export async function sharedFolders(sharing: Sharing): Promise<SharedFolders> {
  const { dataDir, tenant, buildVariables, user } = sharing
  const own = tenantFolder(dataDir, tenant)
  const isOutside = (path: string) => isAbsolute(path) && !isBelow(path, own)
  const variables = Object.fromEntries(
    caches.flatMap(name => {
      const path = buildVariables[name] ?? ''
      return isOutside(path) ? [[name, join(path, 'tenants', tenant)]] : []
    })
  )
  const written = [own, ...Object.values(variables)]
  for (const folder of written) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await giveOnce(folder, user)
  }
  // Interpreters that the operator keeps are used by all tenants, and changed by none.
  const { UV_PYTHON_INSTALL_DIR: pythons = '' } = buildVariables
  return { written, read: isOutside(pythons) ? [own, pythons] : [own], variables }
}

/** Also what was there before LOCAL_USER was set, or left out again. */
async function giveOnce(folder: string, user: JobUser | undefined): Promise<void> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const { uid, gid } = user ?? own
  if (own.uid === 0 && (await lstat(folder)).uid !== uid) await give([folder], { uid, gid })
}
