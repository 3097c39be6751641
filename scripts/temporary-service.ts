/** What the clients and schemathesis are tried on: the whole service over a folder that is removed when they have ended. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../src/server/config.ts'
import type { Job } from '../src/server/routes/schemas.ts'
import { createService } from '../src/server/service.ts'
import { withTraining } from './training.ts'

/** `use` is given the service's address. Jobs that still run are stopped. */
export function withTemporaryService<Result>(
  use: (url: string) => Promise<Result>,
  environment: Record<string, string> = {}
) {
  return withTraining(async ({ python, trackingUri }) => {
    const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-service-'))
    const config = readConfig({
      ...process.env,
      DATA_DIR: folder,
      LOCAL_STANDBY: '0',
      PYTHON: python,
      MLFLOW_TRACKING_URI: trackingUri,
      LOCAL_SLOTS: '1',
      ...environment
    })
    const service = await createService(config, false)
    const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
    service.start()
    try {
      return await use(url)
    } finally {
      await stopJobs(url)
      await service.close({ keepServer: false })
      await rm(folder, { recursive: true, force: true })
    }
  })
}

const unended = ['queued', 'starting', 'running', 'stopping'].map(status => `status=${status}`)

async function stopJobs(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/jobs?limit=100&${unended.join('&')}`)
    const { items } = (await response.json()) as { items: Job[] }
    if (items.length === 0) return
    for (const { id } of items) await fetch(`${url}/jobs/${id}/stop`, { method: 'POST' })
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}
