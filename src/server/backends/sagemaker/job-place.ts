/**
 * What is kept of a job on this machine: the folder <DATA_DIR>/jobs/<id>/sagemaker. It is there before SageMaker is asked
 * to make the training job, so that after a crash the jobs are known whose start may not have been noted.
 */
import { existsSync, statSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const stoppedFile = 'stopped-before-start'

export function createPlaces(dataDir: string) {
  const jobs = join(dataDir, 'jobs')
  const pathOf = (id: string) => join(jobs, id, 'sagemaker')
  return {
    has: (id: string) => existsSync(pathOf(id)),

    async make(id: string): Promise<void> {
      await mkdir(pathOf(id), { recursive: true, mode: 0o700 })
    },

    async remove(id: string): Promise<void> {
      const path = pathOf(id)
      await rm(path, { recursive: true, force: true })
      // Where others keep something of the job as well, it stays.
      await rmdir(dirname(path)).catch(() => {})
    },

    /** Notes for good that the job never began and never will. */
    async noteStopped(id: string): Promise<void> {
      await mkdir(pathOf(id), { recursive: true, mode: 0o700 })
      await writeFile(join(pathOf(id), stoppedFile), '')
    },

    /** When the job was stopped before it began (RFC 3339). */
    stoppedAt(id: string): string | undefined {
      const stats = statSync(join(pathOf(id), stoppedFile), { throwIfNoEntry: false })
      return stats?.mtime.toISOString()
    },

    async all(): Promise<string[]> {
      const ids = await readdir(jobs).catch(() => [])
      return ids.filter(id => existsSync(pathOf(id)))
    }
  }
}

export type Places = ReturnType<typeof createPlaces>
