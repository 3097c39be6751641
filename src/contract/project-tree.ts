/** The project's files as a tree: which folders there are, and what a name that differs in case was meant to be. */
import type { ProjectFiles } from './project.ts'

export interface ProjectTree {
  /** A file, or a folder that holds one. */
  has(path: string): boolean
  /** The end of a sentence: a full stop, after the file that differs in case alone, if there is one. */
  hint(path: string): string
}

/** Reads the list of files once, and only when it is asked. */
export function createProjectTree(files: ProjectFiles): ProjectTree {
  let folders: Set<string> | undefined
  let folded: Map<string, string> | undefined
  return {
    has(path) {
      if (path === '' || files.has(path)) return true
      folders ??= foldersOf(files)
      return folders.has(path)
    },
    hint(path) {
      folded ??= new Map([...files.paths()].map(file => [file.toLowerCase(), file]))
      const file = folded.get(path.toLowerCase())
      return file === undefined ? '.' : `; it has ${file}, which differs in case.`
    }
  }
}

function foldersOf(files: ProjectFiles): Set<string> {
  const folders = new Set<string>()
  for (const path of files.paths()) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  }
  return folders
}
