/** An uploaded archive: spooled to a temporary file, inspected, refused or made a project. */
import type { Readable } from 'node:stream'
import type { ProjectFiles } from '../../contract/mlproject.ts'

export interface ProjectLimits {
  /** Bytes of the archive as it is sent. */
  uploadBytes: number
  files: number
  depth: number
  nameBytes: number
  pathBytes: number
  unpackedBytes: number
  /** unpacked / packed, beyond the first 64 MiB unpacked. */
  ratio: number
}

export interface SpooledFile {
  path: string
  sizeBytes: number
}

export interface InspectedProject {
  /** sha256:<hex> of the tree (docs/projects.md). */
  digest: string
  unpackedBytes: number
  fileCount: number
  /** The project as it is stored: a tar.gz of regular files and folders only, written anew by us, durable on disk. */
  archive: SpooledFile
  /** Folder of the MLproject file in the archive, '' for the root. */
  path: string
  /** Paths, and the texts of MLproject, environment and requirements files. */
  files: ProjectFiles
  /** HEAD of the .git folder that was left out. */
  gitCommit: string | null
  /** What the project's Python files do that matters to a run. */
  hints: { experiments: string[]; setsTrackingUri: boolean }
  warnings: string[]
}

/**
 * Writes the stream to a temporary file in `folder` under the limit, durably; whatever goes wrong, no file stays.
 * Throws UPLOAD_TOO_LARGE.
 */
export declare function spoolUpload(
  stream: Readable,
  options: { folder: string; limitBytes: number; signal?: AbortSignal }
): Promise<SpooledFile>

/**
 * Lists the archive (tar.gz, tar, zip: told by its bytes, not by its name), refuses what is hostile or no project, and
 * writes the project anew. Throws NOT_AN_ARCHIVE, PROJECT_TOO_LARGE, or SUBMISSION_INVALID with all faults; leaves
 * nothing behind then.
 */
export declare function inspectArchive(
  file: SpooledFile,
  options: { folder: string; limits: ProjectLimits; path?: string }
): Promise<InspectedProject>
