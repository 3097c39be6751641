/**
 * What is kept of a job on this machine: the folder <DATA_DIR>/jobs/<id>/sagemaker. It is there before SageMaker is asked
 * to make the training job, so that after a crash the jobs are known whose start may not have been noted.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const stoppedFile = 'stopped-before-start'
const givenUpFile = 'given-up'
const arnFile = 'training-job-arn'

export function createPlaces(dataDir: string) {
  const jobs = join(dataDir, 'jobs')
  const pathOf = (id: string) => join(jobs, id, 'sagemaker')
  const writtenAt = (id: string, file: string) =>
    statSync(join(pathOf(id), file), { throwIfNoEntry: false })?.mtime

  async function make(id: string): Promise<void> {
    await mkdir(pathOf(id), { recursive: true, mode: 0o700 })
  }

  async function note(id: string, file: string, text = ''): Promise<void> {
    await make(id)
    await writeFile(join(pathOf(id), file), text)
  }

  return {
    has: (id: string) => existsSync(pathOf(id)),
    make,

    async remove(id: string): Promise<void> {
      const path = pathOf(id)
      await rm(path, { recursive: true, force: true })
      // Where others keep something of the job as well, it stays.
      await rmdir(dirname(path)).catch(() => {})
    },

    /** Notes for good that the job never began and never will. */
    noteStopped: (id: string) => note(id, stoppedFile),

    /** When the job was stopped before it began (RFC 3339). */
    stoppedAt: (id: string) => writtenAt(id, stoppedFile)?.toISOString(),

    /** Notes that nobody waits for the job any more, though SageMaker may have it. The first time counts. */
    async noteGivenUp(id: string): Promise<void> {
      if (!writtenAt(id, givenUpFile)) await note(id, givenUpFile)
    },

    /** Milliseconds since 1970. */
    givenUpAt: (id: string) => writtenAt(id, givenUpFile)?.getTime(),

    /** Notes that SageMaker has the job, and in which region and account. */
    noteArn: (id: string, arn: string) => note(id, arnFile, arn),

    arnOf(id: string): string | undefined {
      const file = join(pathOf(id), arnFile)
      return existsSync(file) ? readFileSync(file, 'utf8') || undefined : undefined
    },

    async all(): Promise<string[]> {
      const ids = await readdir(jobs).catch(() => [])
      return ids.filter(id => existsSync(pathOf(id)))
    }
  }
}

export type Places = ReturnType<typeof createPlaces>
