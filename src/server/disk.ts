/** The room on the disk of DATA_DIR. Some of it is kept for jobs that run: no submission takes that. */
import { statfs } from 'node:fs/promises'
import { DiskFull } from './errors.ts'

export interface Disk {
  reserveBytes: number
  freeBytes(): Promise<number>
  /** Throws DISK_FULL where so many bytes more would leave less than the reserve. */
  check(bytes?: number): Promise<void>
}

export function createDisk(folder: string, reserveBytes: number): Disk {
  async function freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  }

  return {
    reserveBytes,
    freeBytes,
    async check(bytes = 0) {
      const free = await freeBytes()
      if (free - bytes < reserveBytes) throw new DiskFull(explain({ free, bytes, reserveBytes }))
    }
  }
}

/** An operator reads it as well as a caller. */
const explain = ({
  free,
  bytes,
  reserveBytes
}: Record<'free' | 'bytes' | 'reserveBytes', number>) =>
  `The service’s disk has ${free} bytes left, of which ${reserveBytes} are kept for running jobs${
    bytes > 0 ? `; the submission has ${bytes}` : ''
  }.`
