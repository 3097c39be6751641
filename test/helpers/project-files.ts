import type { ProjectFiles } from '../../src/contract/project.ts'

/** A project's files from their texts, by path. */
export function projectFiles(texts: Record<string, string>): ProjectFiles {
  const files = new Map(Object.entries(texts))
  return {
    has: path => files.has(path),
    read: path => files.get(path),
    paths: () => files.keys()
  }
}
