import type { Readable } from 'node:stream'
import pLimit from 'p-limit'
import { NotAnArchive, ProjectTooLarge, SubmissionInvalid } from '../errors.ts'
import { archiveFormatOf } from './archive-format.ts'
import { createBudget, openTar } from './open-archive.ts'
import { tarBlockBytes } from './tar-header.ts'
import { createUploadSource, type UploadSource } from './upload-source.ts'
import { type WriteOptions, type WrittenProject, writeProject } from './write-project.ts'
import { type SpooledFile, writeSpool } from './write-spool.ts'

/** An upload on the disk: as it came, or as the project that was made of it meanwhile. */
export interface ReceivedArchive extends SpooledFile {
  /** Where it was inspected while it came. Throws what is wrong with it; the file is the project's then, or not there. */
  project?: () => WrittenProject
}

export interface ReceiveOptions extends WriteOptions {
  signal?: AbortSignal
}

/**
 * Takes an upload in. A tar or tar.gz is inspected as it comes and only the project is written, one at once: others, and
 * zips, whose list of entries is their end, are spooled to be inspected in their turn. Throws
 * UPLOAD_TOO_LARGE and what ends the stream; what is wrong with the archive is kept for later, and the rest of it read:
 * a client that sends does not listen. The stream is destroyed where it cannot go on.
 */
export async function receiveArchive(
  stream: Readable,
  options: ReceiveOptions
): Promise<ReceivedArchive> {
  const source = createUploadSource(stream, options.limits.uploadBytes, options.signal)
  try {
    const format = await formatOf(source)
    return format === undefined || inspecting.activeCount > 0
      ? await writeSpool(source.rest(), options)
      : await inspecting(() => inspectRest(source, format, options))
  } catch (error) {
    await source.close()
    throw error
  }
}

/** Never waited for: who is slow to send may have it for hours. Each holds 50 MiB of pieces of its archive. */
const inspecting = pLimit(1)

/** undefined where it is to be spooled. */
async function formatOf(source: UploadSource): Promise<'gzip' | 'tar' | undefined> {
  try {
    const format = archiveFormatOf(await source.peek(tarBlockBytes))
    return format === 'zip' ? undefined : format
  } catch (error) {
    if (error instanceof NotAnArchive) {
      return undefined
    }
    throw error
  }
}

async function inspectRest(
  source: UploadSource,
  format: 'gzip' | 'tar',
  options: ReceiveOptions
): Promise<ReceivedArchive> {
  const budget = createBudget(options.limits)
  const entries = openTar(format, source.rest(), options.limits, budget.spend)
  try {
    const project = await writeProject(entries, options)
    return { ...project.archive, project: () => project }
  } catch (error) {
    if (!isRefusal(error)) {
      throw error
    }
    for await (const _ of source.rest());
    const project = () => {
      // That more is said to be in it than so many bytes can hold is told before what else is wrong.
      if (!(error instanceof ProjectTooLarge)) {
        budget.check(source.sizeBytes())
      }
      throw error
    }
    return { path: '', sizeBytes: source.sizeBytes(), project }
  }
}

const isRefusal = (error: unknown): boolean =>
  [NotAnArchive, ProjectTooLarge, SubmissionInvalid].some(kind => error instanceof kind)
