/** What a process uses, from /proc. */
import { readFile } from 'node:fs/promises'

/** Resident memory in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]) / 1024
}

/** Seconds of processor time so far, user and system. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may hold anything: utime and stime are fields 14 and 15 of all, in hundredths of a second.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / 100
}

const sampleMilliseconds = 100

/** The most memory that is resident while something is done, in MiB. */
export async function peakMiB(pid: number, act: () => Promise<unknown>): Promise<number> {
  let peak = await residentMiB(pid)
  const sampling = setInterval(async () => {
    peak = Math.max(peak, await residentMiB(pid).catch(() => 0))
  }, sampleMilliseconds)
  try {
    await act()
  } finally {
    clearInterval(sampling)
  }
  return peak
}
