import pLimit from 'p-limit'
import { UnreadableArchive } from './archive-entry.ts'
import { displayName } from './display-name.ts'
import { openArchive } from './open-archive.ts'
import { createProjectIntake, type ProjectFacts } from './project-intake.ts'
import type { ProjectLimits } from './project-limits.ts'
import { type SpooledFile, type SpoolOptions, spoolUpload } from './spool-upload.ts'
import { writeTar } from './write-tar.ts'

export interface InspectedProject extends ProjectFacts {
  /** The project as it is stored: a tar.gz of regular files and folders only, written anew by us. */
  archive: SpooledFile
}

/**
 * Lists the archive (tar.gz, tar, zip: told by its bytes, not by its name), refuses what is hostile or no project, and
 * writes the project anew, all in one pass and in flat memory. Throws NOT_AN_ARCHIVE, PROJECT_TOO_LARGE, or
 * SUBMISSION_INVALID with all faults; leaves nothing behind then.
 */
export const inspectArchive = (file: SpooledFile, options: InspectOptions) =>
  (file.sizeBytes > smallBytes ? largeInTurn : smallInTurn)(() => inspect(file, options))

/** What is sent most; it is not to wait behind archives that take a minute. */
const smallBytes = 8 * 2 ** 20
/** More at once are no faster, for each takes a core, and each holds pieces of its archive in memory. */
const smallInTurn = pLimit(2)
const largeInTurn = pLimit(2)

export interface InspectOptions extends Pick<SpoolOptions, 'folder' | 'room'> {
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
      room: options.room,
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
