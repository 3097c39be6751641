import pLimit from 'p-limit'
import type { CodeHints } from '../../contract/code-hints.ts'
import type { ProjectFiles } from '../../contract/mlproject.ts'
import { UnreadableArchive } from './archive-entry.ts'
import { displayName } from './display-name.ts'
import { openArchive } from './open-archive.ts'
import { createProjectIntake } from './project-intake.ts'
import type { ProjectLimits } from './project-limits.ts'
import { type SpooledFile, spoolUpload } from './spool-upload.ts'
import type { TreeFile } from './tree-digest.ts'
import { writeTar } from './write-tar.ts'

export interface InspectedProject {
  /** sha256:<hex> of the tree (docs/projects.md). */
  digest: string
  /** The files that the digest is of, in the archive's order. */
  tree: TreeFile[]
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
  /** What the Python files in the project's folder do that matters to a run. */
  hints: CodeHints
  warnings: string[]
}

/**
 * Lists the archive (tar.gz, tar, zip: told by its bytes, not by its name), refuses what is hostile or no project, and
 * writes the project anew, all in one pass and in flat memory. Throws NOT_AN_ARCHIVE, PROJECT_TOO_LARGE, or
 * SUBMISSION_INVALID with all faults; leaves nothing behind then.
 */
export const inspectArchive = (file: SpooledFile, options: InspectOptions) =>
  inTurn(() => inspect(file, options))

/** More at once are no faster, for each takes a core, and each holds pieces of its archive in memory. */
const inTurn = pLimit(2)

export interface InspectOptions {
  folder: string
  limits: ProjectLimits
  path?: string
}

async function inspect(file: SpooledFile, options: InspectOptions): Promise<InspectedProject> {
  const intake = createProjectIntake(options.limits, options.path)
  const members = intake.members(openArchive(file, options.limits))
  try {
    // The new archive is spooled as an upload is: what is thrown on the way removes it.
    const archive = await spoolUpload(writeTar(members), {
      folder: options.folder,
      limitBytes: Number.POSITIVE_INFINITY
    })
    return { ...intake.result(), archive }
  } catch (error) {
    if (error instanceof UnreadableArchive) {
      const last = intake.lastName()
      const where = last === undefined ? '' : ` beyond ${displayName(last)}`
      intake.faults.add(`The archive cannot be read${where}: ${error.message}.`)
      intake.faults.throwIfAny()
    }
    throw error
  }
}
