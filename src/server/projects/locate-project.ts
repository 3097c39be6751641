import { posix } from 'node:path'
import type { Fault } from '../../contract/fault.ts'
import { displayName } from './display-name.ts'

/** MLproject files that a fault names at most. */
const maxNamed = 10

export type Location = { path: string } | { fault: Fault }

/** MLflow takes the name in any case. */
export const isProjectFile = (path: string): boolean =>
  posix.basename(path).toLowerCase() === 'mlproject'

/**
 * Where the project lies among the files of an archive: in the folder that is asked for; else in the root; else in the
 * only top-level folder. '' is the root.
 */
export function locateProject(files: Iterable<string>, asked?: string): Location {
  const location = locate([...files], asked)
  if ('fault' in location || !misread.test(location.path)) return location
  const detail = `The project lies in ${displayName(location.path)}, and MLflow, which reads a folder as a URI, would look elsewhere: let its path hold no "#", and not end with a quote or ".zip".`
  return { fault: { pointer: asked === undefined ? '/project' : '/path', detail } }
}

/** It is cut at "#", stripped of quotes, and unpacked where it ends as a zip does. */
const misread = /#|['"]$|\.zip$/

function locate(paths: string[], asked?: string): Location {
  const folders = paths.filter(isProjectFile).map(folderOf)
  if (asked !== undefined) {
    return locateAsked(asked, paths, folders)
  }
  const only = onlyTopFolder(paths)
  const path = ['', only].find(folder => folder !== undefined && folders.includes(folder))
  return path === undefined
    ? { fault: { pointer: '/project', detail: missing('the root of the archive', only, folders) } }
    : { path }
}

function locateAsked(asked: string, paths: string[], folders: string[]): Location {
  const names = asked.split('/').filter(name => name !== '' && name !== '.')
  const path = names.join('/')
  if (asked.startsWith('/') || names.includes('..')) {
    const detail = `${displayName(asked)} leads out of the archive; name a folder inside it, such as 'examples/train'.`
    return { fault: { pointer: '/path', detail } }
  }
  if (folders.includes(path)) {
    return { path }
  }
  const where = path === '' ? 'the root of the archive' : `the folder ${displayName(path)}`
  const detail =
    path === '' || paths.some(file => file.startsWith(`${path}/`))
      ? missing(where, undefined, folders)
      : `There is no folder ${displayName(path)} in the archive. ${found(folders)}`
  return { fault: { pointer: '/path', detail } }
}

/** The folder that holds everything, if there is one. */
function onlyTopFolder(paths: string[]): string | undefined {
  const tops = new Set(paths.map(path => path.split('/', 1)[0]))
  const [top] = tops
  return tops.size === 1 && paths.every(path => path.includes('/')) ? top : undefined
}

function missing(where: string, only: string | undefined, folders: string[]): string {
  const both = only === undefined ? where : `${where} or in its only folder ${displayName(only)}`
  return `There is no MLproject file in ${both}. ${found(folders)}`
}

function found(folders: string[]): string {
  if (folders.length === 0) {
    return 'There is none anywhere in the archive.'
  }
  const named = folders
    .slice(0, maxNamed)
    .map(folder => (folder === '' ? 'the root' : displayName(folder)))
    .join(', ')
  const more = folders.length - maxNamed
  return `There is one in ${named}${more > 0 ? ` and ${more} more folders` : ''}: ${remedy(folders)}.`
}

/** A project in the root is found without a path. */
function remedy(folders: string[]): string {
  if (!folders.includes('')) return 'name the folder in the field "path"'
  return folders.length === 1
    ? 'leave the field "path" out'
    : 'leave the field "path" out for the root, or name the folder in it'
}

const folderOf = (file: string): string => {
  const folder = posix.dirname(file)
  return folder === '.' ? '' : folder
}
