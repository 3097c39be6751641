/** How large a project may be; each limit is configurable. */
export interface ProjectLimits {
  /** Bytes of the archive as it is sent. */
  uploadBytes: number
  /** Files that are kept; as many folders, and as many entries that are left out, may come with them. */
  files: number
  /** Folders above a file. */
  depth: number
  nameBytes: number
  pathBytes: number
  unpackedBytes: number
  /** unpacked / packed, once more than 64 MiB are unpacked. */
  ratio: number
}

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

export const defaultLimits: ProjectLimits = {
  uploadBytes: 5 * gibibyte,
  files: 50_000,
  depth: 100,
  nameBytes: 255,
  pathBytes: 1024,
  unpackedBytes: 10 * gibibyte,
  ratio: 200
}

/** Bytes that so many packed bytes may unpack to before they count as a bomb. */
export const legalUnpackedBytes = (packedBytes: number, limits: ProjectLimits): number =>
  Math.max(64 * mebibyte, packedBytes * limits.ratio)
