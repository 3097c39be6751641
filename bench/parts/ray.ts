/** Submissions and polls a second, against Ray Jobs on the same machine. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { alternate, timed } from '../alternate.ts'
import type { Part } from '../part.ts'
import { startRay } from '../peers/ray.ts'
import { startService } from '../service-process.ts'
import { doesNothing, sleeps, stop, submit, submitBatch, until, writeProject } from '../submit.ts'
import { answersPerSecond } from '../wrk.ts'

const concurrency = 8

export const ray: Part = {
  about: 'submissions and polls a second, against Ray Jobs',
  async run(options) {
    const [jobs, running] = options.quick ? [8, 2] : [20, 20]
    const batch = 50 * jobs
    const peer = await startRay(options)
    // Of as many jobs as are submitted, no more run beside them than usual.
    const usual = await startService(join(options.folder, 'usual'), options)
    const service = await startService(join(options.folder, 'data'), options, {
      LOCAL_SLOTS: `${running}`
    })
    try {
      const { url } = service
      const small = await writeProject(options.folder, doesNothing)
      const rate = async (act: () => Promise<string[]>) => {
        let ids: string[] = []
        const seconds = await timed(async () => {
          ids = await act()
        })
        await pMap(ids, id => stop(usual.url, id), { concurrency })
        return ids.length / seconds
      }
      const submissions = await alternate(options, {
        ours: () =>
          rate(() =>
            pMap(Array(jobs).keys(), async () => (await submit(usual.url, small.archive)).id, {
              concurrency
            })
          ),
        batch: () => rate(() => submitBatch(usual.url, small.archive, batch)),
        ray: async () => {
          const ids: string[] = []
          const seconds = await timed(() =>
            pMap(Array(jobs).keys(), async () => ids.push(await peer.submit('true')), {
              concurrency
            })
          )
          for (const id of ids) await peer.ended(id)
          return jobs / seconds
        }
      })
      options.say(`starting ${running} jobs on each`)
      const { archive } = await writeProject(options.folder, sleeps)
      const ours = await pMap(Array(running).keys(), () => submit(url, archive), { concurrency })
      for (const { id } of ours) await until(url, id, job => job.status === 'running')
      const theirs = await pMap(Array(running).keys(), () => peer.submit('sleep 3600'), {
        concurrency
      })
      for (const id of theirs) while ((await peer.status(id)) === 'PENDING') await sleep(200)
      const seconds = options.quick ? 1 : 4
      const polls = await alternate(options, {
        ours: () => answersPerSecond(`${url}/jobs/${ours[0]?.id}`, { seconds }),
        ray: () => answersPerSecond(`${peer.url}/api/jobs/${theirs[0]}`, { seconds })
      })
      for (const { id } of ours) await stop(url, id)
      return [
        {
          what: `${batch} jobs in one request`,
          unit: 'jobs/s',
          ours: submissions.batch,
          against: { what: `Ray Jobs, ${concurrency} at once`, values: submissions.ray },
          target: { atLeast: 20 }
        },
        {
          what: `${jobs} requests, ${concurrency} at once`,
          unit: 'jobs/s',
          ours: submissions.ours,
          against: { what: 'Ray Jobs', values: submissions.ray },
          target: { atLeast: 20 }
        },
        {
          what: `polls with ${running} running jobs`,
          unit: 'answers/s',
          ours: polls.ours,
          against: { what: 'Ray Jobs', values: polls.ray },
          target: { atLeast: 10 }
        }
      ]
    } finally {
      await usual.end()
      await service.end()
      await peer.end()
    }
  }
}
