/**
 * The room on the disk of DATA_DIR. Some of it is kept for jobs that run: no submission takes that, and no number of them
 * at once, for what is still to come of those under way counts as taken.
 */
import { statfs } from 'node:fs/promises'
import { DiskFull } from './errors.ts'

export interface Disk {
  reserveBytes: number
  freeBytes(): Promise<number>
  /** What was promised to uploads and has not come yet. */
  claimedBytes(): number
  /** Throws DISK_FULL where less than the reserve is left. */
  check(): Promise<void>
  /** Sets so much aside. Throws DISK_FULL where that and what others were promised would leave less than the reserve. */
  claim(bytes: number): Promise<Claim>
  /** For writers that were promised nothing. */
  room: Room
}

/** Asked before each write of an upload. */
export interface Room {
  /** Writes so many bytes. Throws DISK_FULL, and writes nothing, where they would take of the reserve or of a claim. */
  write(bytes: number, act: () => Promise<void>): Promise<void>
}

export interface Claim extends Room {
  /** Whatever has not come will not. Only its first call counts. */
  giveBack(): void
}

export function createDisk(
  folder: string,
  reserveBytes: number,
  freeBytes = () => freeOn(folder)
): Disk {
  let claimed = 0

  /** `promised`: to others. */
  async function check(bytes: number, promised: number): Promise<void> {
    const free = await freeBytes()
    if (free - promised - bytes < reserveBytes)
      throw new DiskFull(explain({ free, promised, bytes, reserveBytes }))
  }

  const room: Room = {
    async write(bytes, act) {
      await check(bytes, claimed)
      await act()
    }
  }

  return {
    reserveBytes,
    freeBytes,
    claimedBytes: () => claimed,
    check: () => check(0, 0),
    room,

    async claim(bytes) {
      let left = 0
      const change = (by: number) => {
        left += by
        claimed += by
      }
      const giveBack = () => change(-left)
      // Before the disk is asked: of two at once, the later one knows of the earlier.
      const promised = claimed
      change(bytes)
      await check(bytes, promised).catch(error => {
        giveBack()
        throw error
      })
      return {
        giveBack,
        async write(bytes, act) {
          const within = Math.min(bytes, left)
          // What others were promised is theirs only where this one takes more than it was.
          if (bytes > within) await check(bytes, claimed - left)
          else await check(bytes, 0)
          await act()
          // Not sooner: what is written is seen by whoever asks for the room that is left.
          change(-Math.min(within, left))
        }
      }
    }
  }
}

async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** An operator reads it as well as a caller. */
const explain = ({
  free,
  promised,
  bytes,
  reserveBytes
}: Record<'free' | 'promised' | 'bytes' | 'reserveBytes', number>) =>
  `${[
    `The service’s disk has ${free} bytes left, of which ${reserveBytes} are kept for running jobs`,
    ...(promised > 0 ? [`${promised} are for other submissions that are under way`] : []),
    ...(bytes > 0 ? [`this one needs ${bytes}`] : [])
  ].join('; ')}.`
