/** A process's memory while something is done with it. */
import { execa } from 'execa'

const sampleMilliseconds = 100

/** Prints what was resident before, and at most meanwhile. */
export async function withPeak<Result>(
  pid: number,
  targetMiB: number,
  act: () => Promise<Result>
): Promise<Result> {
  const idle = await residentMiB(pid)
  let peak = idle
  const sampling = setInterval(async () => {
    peak = Math.max(peak, await residentMiB(pid).catch(() => 0))
  }, sampleMilliseconds)
  try {
    return await act()
  } finally {
    clearInterval(sampling)
    console.log(`  resident, before ${idle.toFixed(0)} MiB`)
    console.log(`  resident, peak   ${peak.toFixed(0)} MiB (${(peak / idle).toFixed(2)} of before)`)
    console.log(`  target: below ${targetMiB} MiB`)
  }
}

async function residentMiB(pid: number): Promise<number> {
  const { stdout } = await execa('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1024
}
