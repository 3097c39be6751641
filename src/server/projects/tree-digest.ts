import { createHash } from 'node:crypto'

export interface TreeFile {
  /** Names with "/" between them. */
  path: string
  executable: boolean
  sizeBytes: number
  /** Of the file's bytes, in hex. */
  sha256: string
}

/**
 * The digest of a file tree, `sha256:<hex>`: SHA-256 over a line for each file, sorted by the UTF-8 bytes of the path
 * (docs/projects.md). Folders, times, owners and the order in an archive do not count.
 */
export function treeDigest(files: Iterable<TreeFile>): string {
  const hash = createHash('sha256')
  for (const line of treeLines(files)) {
    hash.update(line)
  }
  return `sha256:${hash.digest('hex')}`
}

/** What is hashed. */
export const treeLines = (files: Iterable<TreeFile>): string[] =>
  Array.from(files, file => ({ key: Buffer.from(file.path), file }))
    .sort((a, b) => a.key.compare(b.key))
    .map(
      ({ file: { path, executable, sizeBytes, sha256 } }) =>
        `${path}\0${executable ? 'x' : '-'}\0${sizeBytes}\0${sha256}\n`
    )
