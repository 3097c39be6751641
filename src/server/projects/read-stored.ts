/** A project that the storage has: what an inspection of its archive would say, without writing it anew. */
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { InspectedProject, InspectOptions } from './inspect-archive.ts'
import { openArchive } from './open-archive.ts'
import { createProjectIntake } from './project-intake.ts'
import { spoolUpload } from './spool-upload.ts'

export type StoredProject = Omit<InspectedProject, 'archive'>

/** `archive` is what inspectArchive has written. Throws SUBMISSION_INVALID where the path holds no project. */
export async function readStored(
  archive: Readable,
  { folder, limits, path }: InspectOptions
): Promise<StoredProject> {
  const file = await spoolUpload(archive, { folder, limitBytes: Number.POSITIVE_INFINITY })
  try {
    const intake = createProjectIntake(limits, path)
    for await (const { body } of intake.members(openArchive(file, limits)))
      for await (const _ of body);
    return intake.result()
  } finally {
    await rm(file.path, { force: true })
  }
}
