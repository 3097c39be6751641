import { type ArchiveEntry, UnreadableArchive } from './archive-entry.ts'
import { displayName } from './display-name.ts'
import { createProjectIntake, type ProjectFacts } from './project-intake.ts'
import type { ProjectLimits } from './project-limits.ts'
import { type SpooledFile, type SpoolPlace, writeSpool } from './write-spool.ts'
import { writeTar } from './write-tar.ts'

export interface WrittenProject {
  /** The project as it is stored: a tar.gz of regular files and folders only, written anew by us. */
  archive: SpooledFile
  /** `path` names the folder where the project lies. Throws SUBMISSION_INVALID where there is none. */
  facts(path: string | undefined): ProjectFacts
}

export interface WriteOptions extends SpoolPlace {
  limits: ProjectLimits
}

/**
 * Refuses what is hostile among the entries of an archive, and writes the rest to a new file, all in one pass and in flat
 * memory. Throws what the entries throw, but where they cannot be read: SUBMISSION_INVALID with all faults so far.
 */
export async function writeProject(
  entries: AsyncIterable<ArchiveEntry>,
  options: WriteOptions
): Promise<WrittenProject> {
  const intake = createProjectIntake(options.limits)
  try {
    const archive = await writeSpool(writeTar(intake.members(entries)), options, { kept: true })
    return { archive, facts: intake.result }
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
