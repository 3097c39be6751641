/** Projects as archives, and jobs made of them. */
import { openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { create } from 'tar'
import type { Job } from '../src/server/routes/schemas.ts'

export const doesNothing = {
  MLproject: 'name: nothing\nentry_points:\n  main:\n    command: python -c pass\n'
}

/** A program that is there until it is stopped. */
export const sleeps = {
  MLproject:
    'name: sleeps\nentry_points:\n  main:\n    command: python -c "import time; time.sleep(3600)"\n'
}

/** Writes the project's files to a folder below the given one; answers it and its archive. */
export async function writeProject(folder: string, files: Record<string, string>) {
  const place = await mkdtemp(join(folder, 'project-'))
  const project = join(place, 'code')
  await mkdir(project)
  for (const [name, text] of Object.entries(files)) await writeFile(join(project, name), text)
  const archive = join(place, 'code.tar.gz')
  await create({ cwd: project, file: archive, gzip: true }, await readdir(project))
  return { project, archive, remove: () => rm(place, { recursive: true }) }
}

export async function postProject(
  url: string,
  archive: string,
  headers: Record<string, string> = {}
): Promise<Response> {
  return fetch(`${url}/jobs`, { method: 'POST', body: await projectForm(archive), headers })
}

export async function projectForm(archive: string): Promise<FormData> {
  const form = new FormData()
  form.append('project', await openAsBlob(archive), 'code.tar.gz')
  return form
}

export async function submit(
  url: string,
  archive: string,
  headers: Record<string, string> = {}
): Promise<Job> {
  const response = await postProject(url, archive, headers)
  if (response.status !== 202) throw new Error(await response.text())
  return (await response.json()) as Job
}

/** So many jobs of one project in one request; answers their ids. */
export async function submitBatch(url: string, archive: string, count: number): Promise<string[]> {
  const form = await projectForm(archive)
  form.append('jobs', JSON.stringify(Array.from({ length: count }, () => ({}))))
  const response = await fetch(`${url}/jobs/batch`, { method: 'POST', body: form })
  if (!response.ok) throw new Error(await response.text())
  const { items } = (await response.json()) as { items: Job[] }
  return items.map(({ id }) => id)
}

export async function readJob(
  url: string,
  id: string,
  headers: Record<string, string> = {}
): Promise<Job> {
  const response = await fetch(`${url}/jobs/${id}`, { headers })
  if (response.status !== 200) throw new Error(await response.text())
  return (await response.json()) as Job
}

export async function until(
  url: string,
  id: string,
  wanted: (job: Job) => boolean,
  headers: Record<string, string> = {}
): Promise<Job> {
  for (;;) {
    const job = await readJob(url, id, headers)
    if (wanted(job)) return job
    if (job.terminal) throw new Error(`the job ${job.status}: ${job.failure?.message}`)
    await sleep(25)
  }
}

/** Stops the job and waits for its end. */
export async function stop(
  url: string,
  id: string,
  headers: Record<string, string> = {}
): Promise<void> {
  await fetch(`${url}/jobs/${id}/stop`, { method: 'POST', headers })
  while (!(await readJob(url, id, headers)).terminal) await sleep(100)
}
