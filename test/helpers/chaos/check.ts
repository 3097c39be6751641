/** Whether all that was promised holds, once everything has come to rest. */
import pMap from 'p-map'
import type { Job } from '../../../src/server/routes/schemas.ts'
import { type Asking, ask } from './ask.ts'
import type { Faults, History, Promised } from './history.ts'
import type { Stage } from './stage.ts'

const concurrency = 4

/** The services serve. */
export async function checkHistory(history: History, stage: Stage, asking: Asking): Promise<void> {
  const runs = await stage.runs()
  const listed = await listJobs(asking)
  const { promised, lost, doubled } = history
  for (const id of listed)
    if (!promised.has(id)) doubled.push(`${id} is there, and no submission was answered so`)
  for (const id of runs.keys())
    if (!promised.has(id)) doubled.push(`${id} has run, and no submission was answered so`)
  const check = async (job: Promised) => {
    addFaults(history, checkRuns(job, runs.get(job.id) ?? 0))
    if (job.deleted) return checkDeleted(job, history, asking)
    if (!listed.has(job.id)) lost.push(`${job.id} is not listed`)
    await checkKept(job, history, stage, asking)
  }
  await pMap(promised.values(), check, { concurrency })
  addFaults(history, (await stage.check?.(history)) ?? {})
}

export function addFaults(to: Faults, faults: Partial<Faults>): void {
  for (const kind of ['lost', 'doubled', 'stuck', 'broken'] as const)
    to[kind].push(...(faults[kind] ?? []))
}

/** By what was seen last: that of a deleted job, too. */
function checkRuns({ id, seen, stopped, hopeless }: Promised, runs: number): Partial<Faults> {
  if (!seen.terminal) return { stuck: [`${id} is ${seen.status}: ${seen.statusReason}`] }
  const how = `${id} is ${seen.status} (${seen.failure?.kind}: ${seen.failure?.message})`
  if (runs > 1) return { doubled: [`${id} ran ${runs} times`] }
  if (hopeless) {
    const isRight =
      runs === 0 && (seen.status === 'failed' ? seen.failure?.kind === 'user' : stopped)
    return isRight ? {} : { broken: [`${how}, ran ${runs} times, and has no input`] }
  }
  if (seen.status === 'succeeded') return runs === 1 ? {} : { lost: [`${id} never ran`] }
  return seen.status === 'stopped' && stopped ? {} : { broken: [how] }
}

async function checkDeleted({ id }: Promised, { broken }: History, asking: Asking): Promise<void> {
  const { status } = await ask(asking, `/jobs/${id}`)
  if (status !== 404) broken.push(`${id} was deleted, and is there (${status})`)
}

async function checkKept(
  job: Promised,
  history: History,
  stage: Stage,
  asking: Asking
): Promise<void> {
  const { id } = job
  const now = await ask(asking, `/jobs/${id}`)
  if (now.status !== 200) return void history.lost.push(`${id} is answered by ${now.status}`)
  history.note(JSON.parse(now.text) as Job)
  const { status, project, model } = job.seen
  const log = await ask(asking, `/jobs/${id}/logs`)
  history.broken.push(...stage.checkLog(job.seen, log.text))
  if (status === 'succeeded' && !model) history.broken.push(`${id} has no model`)
  const stored = await ask(asking, `/projects/${project.digest}`)
  if (stored.status !== 200) history.lost.push(`the project of ${id} is not there`)
  const again = await job.again(asking)
  if (again !== undefined && again !== id)
    history.doubled.push(`the submission of ${id}, sent again, led to ${again}`)
}

async function listJobs(asking: Asking): Promise<Set<string>> {
  const ids = new Set<string>()
  let cursor: string | null = ''
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: '100', ...(cursor ? { cursor } : {}) })
    const { text } = await ask(asking, `/jobs?${query}`)
    const { items, nextCursor } = JSON.parse(text) as { items: Job[]; nextCursor: string | null }
    for (const { id } of items) ids.add(id)
    cursor = nextCursor
  }
  return ids
}
