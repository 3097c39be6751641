import { randomUUID } from 'node:crypto'
import { link } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { discardFile } from './discard-file.ts'
import { openArchive } from './open-archive.ts'
import type { ProjectFacts } from './project-intake.ts'
import type { ReceivedArchive } from './receive-archive.ts'
import { type WriteOptions, type WrittenProject, writeProject } from './write-project.ts'
import type { SpooledFile } from './write-spool.ts'

export interface InspectedProject extends ProjectFacts {
  /** The project as it is stored: a tar.gz of regular files and folders only, written anew by us. */
  archive: SpooledFile
}

export interface InspectOptions extends WriteOptions {
  path?: string
}

/**
 * Lists the archive (tar.gz, tar, zip: told by its bytes, not by its name), refuses what is hostile or no project, and
 * writes the project anew, unless that was done while it was received. Throws NOT_AN_ARCHIVE, PROJECT_TOO_LARGE, or
 * SUBMISSION_INVALID with all faults; leaves nothing behind then but the archive itself.
 */
export async function inspectArchive(
  file: ReceivedArchive,
  options: InspectOptions
): Promise<InspectedProject> {
  const written = file.project
    ? await withOwnName(file.project(), options)
    : await (file.sizeBytes > smallBytes ? largeInTurn : smallInTurn)(() =>
        writeProject(openArchive(file, options.limits), options)
      )
  try {
    return { ...written.facts(options.path), archive: written.archive }
  } catch (error) {
    await discardFile(written.archive.path)
    throw error
  }
}

/** What is sent most; it is not to wait behind archives that take a minute. */
const smallBytes = 8 * 2 ** 20
const smallInTurn = pLimit(2)
/** More at once are no faster, for each keeps the event loop and some cores busy, and holds 50 MiB of pieces of its archive. */
const largeInTurn = pLimit(1)

/** Whoever received it discards it by the name that it had. */
async function withOwnName(
  project: WrittenProject,
  { folder }: InspectOptions
): Promise<WrittenProject> {
  const path = join(folder, randomUUID())
  await link(project.archive.path, path)
  return { ...project, archive: { ...project.archive, path } }
}
