/** What a thousand jobs cost in calls to AWS, while clients ask the service for them ten thousand times. */
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import t from 'tap'
import type { Job } from '../../../../src/server/routes/schemas.ts'
import { startBottomlessS3 } from '../../../helpers/bottomless-s3.ts'
import { form, pack, simpleProject } from '../../../helpers/project.ts'
import { sagemakerService } from '../../../helpers/sagemaker-service.ts'

const jobCount = 1000
const pollCount = 10_000
const stopCount = 100
/** An account may list twice a second; the service keeps away from that. */
const paceMilliseconds = 500
/** One request may travel faster than another, so the pace is that of so many (each two: list-jobs.test.ts). */
const paced = 10
/** The secondary statuses that a job comes through here. */
const changes = ['Starting', 'Downloading', 'Training', 'Stopping', 'Stopped'].length

const { url, emulator, close } = await sagemakerService(t, {
  startStorage: startBottomlessS3,
  knobs: { run: 'pretend', pretendMilliseconds: 3_600_000, startMilliseconds: 1000 }
})

async function submit(): Promise<string[]> {
  const jobs = Array.from({ length: jobCount }, () => ({}))
  const body = form({ project: await pack(simpleProject), parameters: { alpha: 1 }, jobs })
  const response = await fetch(`${url}/jobs/batch`, { method: 'POST', body })
  const { items } = (await response.json()) as { items: Job[] }
  return items.map(({ id }) => id)
}

const read = async (id: string) => (await (await fetch(`${url}/jobs/${id}`)).json()) as Job

/** Waits until SageMaker's own word for each of them is this. */
async function all(ids: string[], status: string): Promise<void> {
  for (const id of ids) while ((await read(id)).backend.status !== status) await sleep(200)
}

/** The calls that are made in the meantime, and how long that is. */
async function during(act: () => Promise<unknown>) {
  const before = emulator.calls.length
  const startedAt = Date.now()
  await act()
  const calls = emulator.calls.slice(before)
  const lists = calls.filter(({ operation }) => operation === 'ListTrainingJobs').length
  return { lists, others: calls.length - lists, milliseconds: Date.now() - startedAt }
}

t.test(
  'jobs cost a call to start and one to stop, at most one a change, and none by being asked for',
  async t => {
    const ids = await submit()
    await all(ids, 'Training')

    const quiet = await during(() => sleep(10_000))
    const asked = await during(() =>
      pMap(Array(pollCount).keys(), n => read(ids[n % ids.length] ?? ''), { concurrency: 16 })
    )
    for (const { lists, others, milliseconds } of [quiet, asked]) {
      t.equal(others, 0)
      t.ok(lists > 0)
      t.ok(lists <= milliseconds / paceMilliseconds + 1)
    }

    const stopped = ids.slice(0, stopCount)
    for (const id of stopped) await fetch(`${url}/jobs/${id}/stop`, { method: 'POST' })
    await all(stopped, 'Stopped')

    const calls = Map.groupBy(emulator.calls, ({ operation }) => operation)
    t.equal(calls.get('CreateTrainingJob')?.length, jobCount)
    t.equal(calls.get('StopTrainingJob')?.length, stopCount)
    const described = Map.groupBy(calls.get('DescribeTrainingJob') ?? [], ({ jobName }) => jobName)
    t.ok([...described.values()].every(({ length }) => length <= changes))
    const listedAt = calls.get('ListTrainingJobs')?.map(({ at }) => at) ?? []
    const times = listedAt.slice(paced).map((at, n) => at - (listedAt[n] ?? 0))
    t.ok(Math.min(...times) >= paced * paceMilliseconds)
    t.comment(
      `${jobCount} jobs, ${pollCount} polls in ${asked.milliseconds} ms with ${asked.lists} lists; ${quiet.lists} lists in ${quiet.milliseconds} ms without; in all ${[...calls].map(([name, { length }]) => `${name} ${length}`).join(', ')}`
    )
    // Before its folder goes: most jobs still run.
    await close()
  }
)
