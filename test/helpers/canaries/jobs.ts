/** Real jobs whose programs have secrets and tell them, and every answer that there is about them. */
import type { Job } from '../../../src/server/routes/schemas.ts'
import { form } from '../project.ts'
import type { Client } from './client.ts'
import type { Canaries } from './planted.ts'
import { buildingProject, leakingProject, type Mode, tellingProject, wanted } from './project.ts'

export interface JobsOptions {
  client: Client
  canaries: Canaries
  /** Marked values are taken: not on SageMaker. */
  marked: boolean
  /** Puts a secret where jobs may read it; answers the reference. */
  keep(secret: string): Promise<string>
  /** The same of one that is not there. */
  missing: string
  /** A package index that needs a password is part of the configuration. */
  builds: boolean
}

/** Answers the digest of the project, and what went otherwise than it should. */
export async function runJobs(
  options: JobsOptions
): Promise<{ project: string; broken: string[] }> {
  const { client, canaries, marked, keep } = options
  const { post, ask, ended } = client
  const broken: string[] = []

  /** Each way in which a job may have a secret, in an environment for it. */
  async function environment(title: string): Promise<object> {
    const plant = (kind: string) => canaries.plant(`${title}, ${kind}`)
    const plantMarks = (kind: string) => canaries.plantMarks(`${title}, ${kind}`)
    const values: Record<string, string> = {
      HF_TOKEN: plantMarks('plain, by its name'),
      DATABASE: `postgres://me:${plant('plain, in a URL')}@db/x`,
      KEPT: plantMarks('kept elsewhere')
    }
    const given: Record<string, unknown> = {
      ...values,
      KEPT: { valueFrom: await keep(values.KEPT ?? '') }
    }
    if (marked) {
      values.MARKED = plantMarks('marked')
      values.LINES = `-----BEGIN-----\n${plantMarks('marked, its first line')}\n${plant('marked, its second line')}\n`
      for (const name of ['MARKED', 'LINES']) given[name] = { value: values[name], secret: true }
    }
    return { ...given, ...wanted(values) }
  }

  async function accepted(title: string, sent: ReturnType<Client['post']>): Promise<Job[]> {
    const { status, text, json } = await sent
    if (status === 202) return json.items ?? [json]
    broken.push(`${title}: ${status} ${text.slice(0, 300)}`)
    return []
  }
  const fields = (mode: Mode) => ({ parameters: { mode }, name: mode })

  const archive = await leakingProject()
  const [first] = await accepted(
    'form',
    post(
      '/jobs',
      form({ project: archive, ...fields('end'), environment: await environment('form') })
    )
  )
  if (!first) return { project: '', broken }
  const project = first.project.digest
  const jobs = [first]
  for (const mode of ['raise', 'exit', 'failure'] as const) {
    const body = { project, ...fields(mode), environment: await environment(`JSON, ${mode}`) }
    jobs.push(...(await accepted(mode, post('/jobs', body))))
  }
  const batch = {
    project,
    ...fields('end'),
    environment: await environment('batch, shared'),
    jobs: [{ environment: { OTHER_TOKEN: canaries.plant('batch, of one job') } }]
  }
  jobs.push(...(await accepted('batch', post('/jobs/batch', batch))))
  const lost = {
    KEPT: { valueFrom: options.missing },
    HF_TOKEN: canaries.plant('beside a missing one')
  }
  jobs.push(
    ...(await accepted('missing', post('/jobs', { project, ...fields('end'), environment: lost })))
  )
  if (options.builds)
    for (const [name, make] of Object.entries({
      building: buildingProject,
      telling: tellingProject
    })) {
      const body = form({
        project: await make(),
        name,
        environment: await environment(name),
        run: { envManager: 'uv' }
      })
      jobs.push(...(await accepted(name, post('/jobs', body))))
    }
  const [waiting] = await accepted(
    'wait',
    post('/jobs', { project, ...fields('wait'), environment: await environment('stopped') })
  )
  for (const query of ['', '?dryRun=true']) {
    const body = { project, ...fields('end'), environment: await environment(`dry run${query}`) }
    if (query) await post(`/jobs${query}`, body, { 'idempotency-key': 'a' })
  }
  const ends = await Promise.all(jobs.map(({ id }) => ended(id)))
  for (const { name, status, failure } of ends)
    if ((status === 'succeeded') !== (name === 'end' && failure === null))
      broken.push(`${name}: ${status} ${failure?.message}`)
  if (waiting) {
    jobs.push(waiting)
    while (!(await ask(`/jobs/${waiting.id}/logs`)).text.includes('waiting'))
      if (JSON.parse((await ask(`/jobs/${waiting.id}`)).text).terminal) break
    await post(waiting.links.stop, {})
    await ended(waiting.id)
  }
  const again = { environment: await environment('run again') }
  const [rerun] = await accepted('rerun', post(first.links.rerun, again))
  if (rerun) {
    jobs.push(rerun)
    await ended(rerun.id)
    if (marked) await post(first.links.rerun, {})
  }
  for (const job of jobs) await askAll(client, job, broken)
  return { project, broken }
}

async function askAll({ ask }: Client, { id, name }: Job, broken: string[]): Promise<void> {
  const log = (await ask(`/jobs/${id}/logs`)).text
  // What does not arrive, or is not printed, cannot be found anywhere.
  const leaks = name !== 'building' && !log.includes('has no value')
  const said =
    name === 'telling' ? /whole .*\*\*\*[\s\S]*built with/ : /arrived: [3-9][\s\S]*whole \*\*\* /
  if (leaks && !said.test(log))
    broken.push(`${name}: its program did not print its secrets: ${log.slice(-2000)}`)
  await ask(`/jobs/${id}/logs?follow=true`, { headers: { accept: 'text/event-stream' } })
  for (const path of ['', '/logs?tail=3', '/metrics', '/provenance', '/model', '/model/files'])
    await ask(`/jobs/${id}${path}`)
}

/** What is there without a job. */
export async function askRest({ ask }: Client, project: string): Promise<void> {
  for (const path of [
    '/',
    '/jobs',
    '/jobs?tag=a:b',
    '/jobs/summary',
    `/projects/${project}`,
    '/nowhere'
  ])
    await ask(path)
  for (const path of [
    '/livez',
    '/healthz',
    '/readyz',
    '/metrics',
    '/openapi.json',
    '/openapi.yaml',
    '/docs'
  ])
    await ask(path)
}
