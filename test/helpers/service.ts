/** The whole service in a folder of the test's own, with the real mlflow, as main.ts runs it. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { cacheFolder } from '../../scripts/training.ts'
import { readConfig } from '../../src/server/config.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import { createService } from '../../src/server/service.ts'
import { testFolder } from './folder.ts'
import { trackingUri } from './mlflow.ts'
import { form } from './project.ts'
import { python } from './python.ts'

/**
 * Whatever Node a test starts writes there when it ends, also behind a wall; where it cannot, the end of the job's log is an
 * error of that.
 */
const tapFolder = join(import.meta.dirname, '../../.tap/processinfo')

export interface TestService {
  url: string
  dataDir: string
  submit(fields: Record<string, unknown>): Promise<Job>
  get(id: string): Promise<Job>
  /** The job as it ended. */
  ended(id: string): Promise<Job>
  /** Waits until the job's log holds the text. */
  logged(id: string, text: string): Promise<void>
  log(id: string): Promise<string>
  close(): Promise<void>
}

export async function testService(
  t: Test,
  environment: Record<string, string> = {}
): Promise<TestService> {
  const dataDir = environment.DATA_DIR ?? testFolder(t)
  await mkdir(tapFolder, { recursive: true })
  const config = readConfig({
    ...process.env,
    DATA_DIR: dataDir,
    PORT: '0',
    // Most have one job, or none.
    LOCAL_STANDBY: '0',
    // Packages that one test has fetched are there for the next.
    UV_CACHE_DIR: join(cacheFolder, 'uv'),
    PYTHON: python(),
    MLFLOW_TRACKING_URI: await trackingUri(),
    // Where a test tells a job to go on.
    LOCAL_READABLE: dirname(dataDir),
    LOCAL_WRITABLE: tapFolder,
    ...environment
  })
  const service = await createService(config, false)
  const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
  service.start()
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= service.close({ keepServer: false })
    return closed
  }
  // The service leaves its jobs running when it ends; a test leaves none behind.
  t.teardown(async () => {
    if (!closed) await stopJobs(url)
    await close()
  })
  const get = async (id: string) => (await (await fetch(`${url}/jobs/${id}`)).json()) as Job
  const log = async (id: string) => (await fetch(`${url}/jobs/${id}/logs`)).text()
  return {
    url,
    dataDir,
    get,
    log,
    close,
    async submit(fields) {
      const response = await fetch(`${url}/jobs`, { method: 'POST', body: form(fields) })
      const body = await response.text()
      if (response.status !== 202) throw new Error(body)
      return JSON.parse(body)
    },
    async ended(id) {
      await (await fetch(`${url}/jobs/${id}/logs?follow=true`)).text()
      return get(id)
    },
    async logged(id, text) {
      while (!(await log(id)).includes(text)) {
        const job = await get(id)
        if (job.terminal) throw new Error(`${id} ended before it said "${text}": ${await log(id)}`)
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
  }
}

async function stopJobs(url: string): Promise<void> {
  const underWay = ['queued', 'starting', 'running', 'stopping']
    .map(status => `status=${status}`)
    .join('&')
  for (;;) {
    const answer = await fetch(`${url}/jobs?${underWay}`)
    const { items } = (await answer.json()) as { items: Job[] }
    if (items.length === 0) return
    for (const { links } of items) await fetch(`${url}${links.stop}`, { method: 'POST' })
    for (const { links } of items) await fetch(`${url}${links.self}?wait=10`)
  }
}
