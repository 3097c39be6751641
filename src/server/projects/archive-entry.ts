/** What the readers of archives (tar, zip) hand out, and how they say that they cannot read on. */

export interface ArchiveEntry {
  /** As the archive has it: bytes that may be anything. */
  name: Buffer
  kind: 'file' | 'folder' | 'special'
  /** What a special entry is, such as "a symbolic link to 'x'". */
  what?: string
  /** Why the entry is refused whatever it is: it is recorded in a way that tools read differently. */
  fault?: string
  sizeBytes: number
  executable: boolean
  /** The bytes of a file; who does not want them leaves them. */
  body: AsyncIterable<Buffer>
}

/** The archive cannot be read beyond this point. */
export class UnreadableArchive extends Error {
  override readonly name = 'UnreadableArchive'
}
