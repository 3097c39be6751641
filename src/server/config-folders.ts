/**
 * What local jobs may write must be apart from what callers may name: between the look at a path and its use a job could
 * put a link in its place, which leads to what is another's. And the folder of MLflow's store holds nothing else.
 */
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { trackingFolder } from './tracking-folder.ts'

type Given = Record<string, string | undefined>

export function faultsOfFolders(given: Given): string[] {
  if ((given.BACKEND ?? 'local') !== 'local') return []
  return [...faultsOfStore(given), ...writableFolders(given).flatMap(each => overlaps(each, given))]
}

interface Writable {
  folder: string
  /** The beginning of a sentence. */
  named: string
}

function writableFolders({ LOCAL_WRITABLE = '', MLFLOW_TRACKING_URI }: Given): Writable[] {
  const store = trackingFolder(MLFLOW_TRACKING_URI)?.path
  const folders = LOCAL_WRITABLE.split(':').filter(isAbsolute)
  return [
    ...folders.map(folder => ({ folder, named: `LOCAL_WRITABLE has ${JSON.stringify(folder)}` })),
    ...(store
      ? [{ folder: store, named: `MLFLOW_TRACKING_URI is in ${JSON.stringify(store)}` }]
      : [])
  ]
}

const overlaps = ({ folder, named }: Writable, given: Given) =>
  ['INPUT_ROOTS', 'SECRET_ROOTS'].flatMap(name =>
    (given[name] ?? '')
      .split(',')
      .map(root => root.trim())
      .filter(root => isAbsolute(root) && overlap(real(folder), real(root)))
      .map(
        root =>
          `${named} and ${name} has ${JSON.stringify(root)}: a job could put a link to what it may not read there. They must be folders apart, none of them in the other.`
      )
  )

/** Jobs write in it, whatever else is there. */
function faultsOfStore({ MLFLOW_TRACKING_URI, LOCAL_SANDBOX, DATA_DIR }: Given): string[] {
  const store = trackingFolder(MLFLOW_TRACKING_URI)
  if (!store || LOCAL_SANDBOX === 'none') return []
  const path = real(store.path)
  const holds = (folder: string) => `${real(folder)}/`.startsWith(path === '/' ? path : `${path}/`)
  const isTop = path === '/' || (store.ofDatabase && dirname(path) === '/')
  if (!isTop && !holds(homedir()) && !(DATA_DIR && holds(DATA_DIR))) return []
  return [
    `MLFLOW_TRACKING_URI is in ${JSON.stringify(store.path)}, in all of which local jobs would write: it must be in a folder that is below another, and that has nothing else in it, neither a home nor DATA_DIR, such as sqlite:////srv/mlflow/mlflow.db.`
  ]
}

const isAbsolute = (path: string) => path.startsWith('/')

/** One is the other, or is in it; `{tenant}` may be any name. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  const shorter = a.length < b.length ? a : b
  return shorter.every((_, n) => mayBe(a[n] ?? '', b[n] ?? ''))
}

const partsOf = (path: string) => path.split('/').filter(Boolean)

function mayBe(name: string, pattern: string): boolean {
  if (!pattern.includes('{tenant}')) return name === pattern
  return new RegExp(`^${pattern.split('{tenant}').map(RegExp.escape).join('.+')}$`).test(name)
}

/** Without links, as far as it is there. */
function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const above = dirname(resolve(path))
    return above === path ? path : join(real(above), basename(path))
  }
}
