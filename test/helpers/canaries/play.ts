/** Plants secrets in one service, lets it do all that it does, and looks for them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMlflowServer } from '../../../src/server/backends/local/mlflow-server.ts'
import { hashOf, makeKey } from '../../../src/server/callers/api-key.ts'
import { type Client, createClient } from './client.ts'
import { askRest, type JobsOptions, runJobs } from './jobs.ts'
import { type Canaries, createCanaries } from './planted.ts'
import { readRecord } from './read-record.ts'
import { sendRefused, sendUnknown } from './refused.ts'
import { searchFolder } from './search-folder.ts'
import { failingService, startService } from './service.ts'
import { watchProcesses } from './watch-processes.ts'

export interface CanariesResult {
  canaries: Canaries
  /** What went otherwise than it should, so that nothing was shown. */
  broken: string[]
}

/** What one kind of service has that others have not. */
export interface Scene {
  environment: Record<string, string>
  jobs: Pick<JobsOptions, 'marked' | 'keep' | 'missing' | 'builds'>
  /** More that the API does there; answers what went wrong. */
  act?(client: Client, project: string): Promise<string[]>
  /** Looks at what lies outside of the service. */
  search?(): Promise<void>
  end?(): Promise<void>
}

/** Plain values stay where they are (docs/secrets.md). */
export const plainValues = /plain|batch, of one|beside/

/** `at` is a path in a folder that is removed. */
export type SetScene = (canaries: Canaries, at: (name: string) => string) => Promise<Scene>

export async function play(python: string, setScene: SetScene): Promise<CanariesResult> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-canaries-'))
  const canaries = createCanaries()
  const at = (name: string) => join(folder, name)
  for (const name of ['data', 'mlflow', 'tmp', 'secrets']) await mkdir(at(name))
  const { PATH = '' } = process.env
  const server = createMlflowServer({
    folder: at('mlflow'),
    python,
    environment: { PATH },
    onProgress() {}
  })
  let scene: Scene | undefined
  try {
    scene = await setScene(canaries, at)
    const tracking = new URL(await server.ready())
    tracking.username = 'me'
    tracking.password = canaries.plant('MLFLOW_TRACKING_URI')
    const key = makeKey()
    canaries.add('the caller’s key', key)
    await writeFile(at('keys.json'), keysOf(key))
    const environment = {
      DATA_DIR: at('data'),
      TMPDIR: at('tmp'),
      PYTHON: python,
      MLFLOW_TRACKING_URI: tracking.href,
      API_KEYS_FILE: at('keys.json'),
      ...scene.environment
    }
    const broken = await searchService(scene, environment, key, canaries)
    await searchFolder('DATA_DIR', at('data'), canaries, /^jobs\.db/)
    await searchFolder('MLflow', at('mlflow'), canaries)
    await searchFolder('TMPDIR', at('tmp'), canaries)
    canaries.search('the record of jobs', readRecord(at('data/jobs.db')), plainValues)
    await scene.search?.()
    return { canaries, broken }
  } finally {
    await server.close({ keep: false })
    await scene?.end?.()
    await rm(folder, { recursive: true, force: true })
  }
}

async function searchService(
  scene: Scene,
  environment: Record<string, string>,
  key: string,
  canaries: Canaries
): Promise<string[]> {
  const processes = watchProcesses()
  const service = await startService(environment)
  const client = createClient(service.url, key)
  const { project, broken } = await runJobs({ client, canaries, ...scene.jobs })
  broken.push(...(await sendRefused(client, project, canaries)))
  await sendUnknown(client, canaries)
  await askRest(client, project)
  broken.push(...((await scene.act?.(client, project)) ?? []))
  canaries.search('the service’s output', await service.stop())
  for (const database of ['postgres', 'mysql']) {
    const secret = canaries.plant(`DATABASE_URL, ${database}`)
    const DATABASE_URL = `${database}://me:${secret}@127.0.0.1:9/x`
    const said = await failingService({ ...environment, DATABASE_URL })
    if (said === '') broken.push(`a service with ${database} said nothing`)
    canaries.search('the output of a service that does not start', said)
  }
  canaries.search('the command lines of processes', await processes.stop())
  for (const { title, bytes } of client.answers) canaries.search(title, bytes, /^presigned/)
  return broken
}

const keysOf = (key: string) =>
  JSON.stringify({
    keys: [
      {
        name: 'me',
        tenant: 'default',
        scopes: ['read', 'submit', 'admin'],
        sha256: hashOf(key),
        createdAt: new Date().toISOString()
      }
    ]
  })
