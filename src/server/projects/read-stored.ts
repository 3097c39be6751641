/** A project that the storage has: what an inspection of its archive would say, without writing it anew. */
import type { Readable } from 'node:stream'
import pLimit from 'p-limit'
import { createProjectIntake, type ProjectFacts } from './project-intake.ts'
import type { ProjectLimits } from './project-limits.ts'
import { readTarGz } from './read-tar-gz.ts'

/**
 * `open` gives what inspectArchive has written; it is called when it is this one's turn. Throws SUBMISSION_INVALID where
 * the path holds no project.
 */
export const readStored = (
  open: () => Promise<Readable>,
  options: { limits: ProjectLimits; path?: string }
) => inTurn(async () => read(await open(), options))

/** Each holds a few pieces of its archive in memory. */
const inTurn = pLimit(4)

async function read(
  archive: Readable,
  { limits, path }: { limits: ProjectLimits; path?: string }
): Promise<ProjectFacts> {
  const intake = createProjectIntake(limits)
  for await (const { body } of intake.members(readTarGz(archive))) for await (const _ of body);
  return intake.result(path)
}
