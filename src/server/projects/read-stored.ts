/** A project that the storage has: what an inspection of its archive would say, without writing it anew. */
import type { Readable } from 'node:stream'
import type { InspectedProject, InspectOptions } from './inspect-archive.ts'
import { createProjectIntake } from './project-intake.ts'
import { readTarGz } from './read-tar-gz.ts'

export type StoredProject = Omit<InspectedProject, 'archive'>

/** `archive` is what inspectArchive has written. Throws SUBMISSION_INVALID where the path holds no project. */
export async function readStored(
  archive: Readable,
  { limits, path }: Pick<InspectOptions, 'limits' | 'path'>
): Promise<StoredProject> {
  const intake = createProjectIntake(limits, path)
  for await (const { body } of intake.members(readTarGz(archive))) for await (const _ of body);
  return intake.result()
}
