import { posix } from 'node:path'
import { ProjectTooLarge } from '../errors.ts'
import { displayName } from './display-name.ts'
import { isProjectFile } from './locate-project.ts'
import { plural } from './plural.ts'
import type { ProjectLimits } from './project-limits.ts'

export interface ProjectTree {
  /**
   * Takes a path in; answers what is wrong with it beside the others, as a continuation of "the entry ... ".
   * Throws PROJECT_TOO_LARGE when there are too many.
   */
  add(path: string, kind: 'file' | 'folder'): string | undefined
  has(path: string): boolean
  /** Paths of the files, in the order of the archive. */
  files(): IterableIterator<string>
}

/** 'implied': a folder that is there because something lies in it. */
type Kind = 'file' | 'folder' | 'implied'

/** The paths of an archive so far: none twice, none a file and a folder, not too many. */
export function createProjectTree(limits: Pick<ProjectLimits, 'files'>): ProjectTree {
  const kinds = new Map<string, Kind>()
  const projectFiles = new Map<string, string>()
  let files = 0
  let folders = 0

  function set(path: string, kind: Kind): void {
    files += kind === 'file' ? 1 : 0
    folders += kind === 'file' || kinds.has(path) ? 0 : 1
    if (files > limits.files || folders > limits.files) {
      throw new ProjectTooLarge(
        `The archive holds more than ${plural(limits.files, 'file', 'files')} or as many folders, the limit of this service.`
      )
    }
    kinds.set(path, kind)
  }

  /** Folders above the path from the nearest to the root; stops at the first that is known. */
  function addFoldersAbove(path: string): string | undefined {
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) {
      const kind = kinds.get(folder)
      if (kind === 'file') {
        return `lies in ${displayName(folder)}, which is a file in this archive`
      }
      if (kind !== undefined) {
        return undefined
      }
      set(folder, 'implied')
    }
    return undefined
  }

  function secondProjectFile(path: string): string | undefined {
    if (!isProjectFile(path)) {
      return undefined
    }
    const folder = posix.dirname(path)
    const other = projectFiles.get(folder)
    projectFiles.set(folder, path)
    return other === undefined
      ? undefined
      : `lies beside ${displayName(other)}; a folder has one MLproject file, in whatever case`
  }

  return {
    add(path, kind) {
      const known = kinds.get(path)
      if (known === kind) {
        return `is there twice; a name may occur once`
      }
      if (known !== undefined && (known === 'file' || kind === 'file')) {
        return 'is both a file and a folder in this archive'
      }
      const fault = addFoldersAbove(path)
      if (fault) {
        return fault
      }
      set(path, kind)
      return kind === 'file' ? secondProjectFile(path) : undefined
    },
    has: path => kinds.get(path) === 'file',
    *files() {
      for (const [path, kind] of kinds) {
        if (kind === 'file') {
          yield path
        }
      }
    }
  }
}
