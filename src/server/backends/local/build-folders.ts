/** Where the environments of projects are built and kept: jobs of one tenant share them, those of others cannot touch them. */
import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface BuildFolders {
  environments: string
  /** What they are built from: uv's packages, and the interpreters that it fetched. */
  cache: string
  pythons: string
}

const tenants = 'tenants'

/** Of which only what is behind a wall, as they are, should open what lies below it: links there lead anywhere. */
export const tenantFolder = (dataDir: string, tenant: string) => join(dataDir, tenants, tenant)

export const buildFolders = (dataDir: string, tenant: string) =>
  foldersIn(tenantFolder(dataDir, tenant))

/** Of all tenants; and of before there were any, for as long as something is there. */
export async function allBuildFolders(dataDir: string): Promise<BuildFolders[]> {
  const names = await readdir(join(dataDir, tenants)).catch(() => [])
  const all = [dataDir, ...names.map(name => join(dataDir, tenants, name))].map(foldersIn)
  return all.filter(({ environments, cache, pythons }) =>
    [dirname(environments), environments, dirname(cache), cache, pythons].every(isFolderOrNothing)
  )
}

/** What packages put in its place, such as a link to what is another's, is not gone into from outside of a wall. */
function isFolderOrNothing(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true
}

const foldersIn = (folder: string): BuildFolders => ({
  environments: join(folder, 'environments'),
  cache: join(folder, 'cache', 'uv'),
  pythons: join(folder, 'pythons')
})
