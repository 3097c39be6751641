/** What 1,000 waiters and 200 followers of a log cost while nothing happens. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, percentile } from '../figure.ts'
import type { BenchOptions, Part } from '../part.ts'
import { processorSeconds, residentMiB } from '../process-usage.ts'
import { timeRequests } from '../requests.ts'
import { type ServiceProcess, startService } from '../service-process.ts'
import { sleeps, stop, submit, until, writeProject } from '../submit.ts'

const waitSeconds = 60

export const waiters: Part = {
  about: '1,000 waiters and 200 followers of a log, against an idle service',
  async run(options) {
    const [waiting, following] = options.quick ? [100, 20] : [1000, 200]
    const { archive } = await writeProject(options.folder, sleeps)
    const service = await startService(join(options.folder, 'data'), options, {
      MAX_WAITERS: `${waiting}`,
      MAX_FOLLOWERS: `${following}`
    })
    try {
      const { id } = await submit(service.url, archive)
      await until(service.url, id, job => job.status === 'running')
      const rounds: Record<'idle' | 'crowded', Look>[] = []
      for (let round = 1; round <= options.rounds; round++) {
        const idle = await look(service, id, options)
        const crowd = gather(`${service.url}/jobs/${id}`, waiting, following)
        await sleep(2000)
        rounds.push({ idle, crowded: await look(service, id, options) })
        await crowd.end()
        await sleep(1000)
        options.say(`round ${round} of ${options.rounds}: ${JSON.stringify(rounds.at(-1))}`)
      }
      await stop(service.url, id)
      return figures(rounds, `${waiting} waiters and ${following} followers`)
    } finally {
      await service.end()
    }
  }
}

interface Look {
  /** Of one core. */
  processor: number
  memoryMiB: number
  p99Milliseconds: number
}

/** First the processor alone, then requests, which need it. */
async function look(
  { url, pid }: ServiceProcess,
  id: string,
  { quick }: BenchOptions
): Promise<Look> {
  const seconds = quick ? 2 : 10
  const before = await processorSeconds(pid)
  await sleep(seconds * 1000)
  const processor = ((await processorSeconds(pid)) - before) / seconds
  const memoryMiB = await residentMiB(pid)
  const times = await timeRequests(quick ? 100 : 500, () => fetch(`${url}/jobs/${id}`), 5)
  return { processor, memoryMiB, p99Milliseconds: percentile(times, 0.99) }
}

/** Each has a connection of its own. */
function gather(url: string, waiting: number, following: number) {
  const leaving = new AbortController()
  const ask = (path: string) => async () => {
    const response = await fetch(url + path, { signal: leaving.signal })
    await response.arrayBuffer()
  }
  const again = async (act: () => Promise<void>) => {
    while (!leaving.signal.aborted) await act()
  }
  const all = [
    ...Array.from({ length: waiting }, () => again(ask(`?wait=${waitSeconds}`))),
    ...Array.from({ length: following }, () => again(ask('/logs?follow=true')))
  ]
  const settled = Promise.allSettled(all)
  return {
    async end() {
      leaving.abort()
      for (const one of await settled)
        if (one.status === 'rejected' && one.reason?.name !== 'AbortError') throw one.reason
    }
  }
}

function figures(rounds: Record<'idle' | 'crowded', Look>[], who: string): Figure[] {
  const of = (side: 'idle' | 'crowded', what: keyof Look) => rounds.map(round => round[side][what])
  const growth = rounds.map(({ idle, crowded }) => crowded.memoryMiB - idle.memoryMiB)
  return [
    {
      what: `processor with ${who}`,
      unit: 'cores',
      ours: of('crowded', 'processor'),
      target: { atMost: 0.1 }
    },
    { what: `memory for ${who}`, unit: 'MiB', ours: growth, target: { atMost: 64 } },
    {
      what: `p99 of a poll with ${who}`,
      unit: 'ms',
      ours: of('crowded', 'p99Milliseconds'),
      against: { what: 'p99 without them', values: of('idle', 'p99Milliseconds') },
      target: { atMost: 2 }
    }
  ]
}
