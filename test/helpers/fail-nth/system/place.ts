/** The service of system calls, and jobs as earlier requests have left them: put there from outside, so that no call of its own counts. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Claim,
  type ExitFile,
  jobFolder
} from '../../../../src/server/backends/local/job-folder.ts'
import type { JobRecord } from '../../../../src/server/jobs/job.ts'
import { createFilesystem } from '../../../../src/server/storage/filesystem.ts'
import { logKey, modelKey, outputKey, reportKey } from '../../../../src/server/storage/index.ts'
import { openSqlite } from '../../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../../src/server/store/sql.ts'
import { aJob } from '../../job-record.ts'
import { form, pack, simpleProject } from '../../project.ts'
import { makeOutputs, type Outputs } from '../outputs.ts'
import { createServiceProcess, type ServiceProcess } from './process.ts'

export interface Place {
  service: ServiceProcess
  folder: string
  url: string
  outputs: Outputs
  /** The digest of this key's project, which is kept without a job. */
  project(key: string): Promise<string>
  /** The job of this key, queued. */
  queued(key: string): Promise<string>
  /** The same, ended well, with all that it left. */
  ended(key: string): Promise<string>
  /** Its processes have ended, and nobody has noticed yet. */
  unfinished(key: string): Promise<string>
  close(): Promise<void>
}

const startedAt = '2026-01-02T04:00:00.000Z'
const endedAt = '2026-01-02T05:00:00.000Z'

/** As the service makes them, so that the order of creation is that of ids. */
export const idOf = (key: string) => `job-${key}`

export async function createPlace(folder: string): Promise<Place> {
  const service = await createServiceProcess(folder)
  const { dataDir, url } = service
  const store = await createStore(openSqlite(join(dataDir, 'jobs.db')))
  const storage = createFilesystem(dataDir)
  const outputs = await makeOutputs(join(folder, 'made'))

  async function put(key: string, file: string): Promise<void> {
    const copy = join(folder, 'copy')
    await copyFile(file, copy)
    await storage.put(key, copy)
  }

  const digests = new Map<string, string>()
  async function project(key: string): Promise<string> {
    const digest = digests.get(key) ?? (await sendProject(url, key))
    digests.set(key, digest)
    return digest
  }

  /** Once: the second attempt finds what the first has made of it. */
  async function insert(
    key: string,
    changes: Partial<JobRecord>,
    before: (id: string) => Promise<void>
  ) {
    const id = idOf(key)
    if (await store.get(id)) return id
    const digest = await project(key)
    await before(id)
    const job = aJob({ id, name: key, parameters: { alpha: '1' }, inputs: {}, ...changes })
    await store.insert({ ...job, project: { ...job.project, digest } })
    return id
  }

  return {
    service,
    folder,
    url,
    outputs,
    project,
    queued: key => insert(key, {}, async () => {}),
    ended: key =>
      insert(
        key,
        { status: 'succeeded', startedAt, endedAt, endRecordedAt: endedAt, model: aModel },
        async id => {
          await put(modelKey(id), outputs.model)
          await put(outputKey(id), outputs.output)
          await put(reportKey(id), outputs.report)
          await put(logKey(id), outputs.log)
        }
      ),
    unfinished: key =>
      insert(key, { status: 'running', startedAt }, async id => {
        const place = jobFolder(join(dataDir, 'jobs', id, 'local'))
        await mkdir(place.path, { recursive: true })
        await copyFile(outputs.model, place.modelArchive)
        await copyFile(outputs.output, place.outputArchive)
        await copyFile(outputs.log, place.log)
        const claim: Claim = { at: startedAt }
        const exit: ExitFile = { exitCode: 0, stopped: false, startedAt, endedAt }
        await writeFile(place.claim, JSON.stringify(claim))
        await writeFile(place.exit, JSON.stringify(exit))
      }),
    async close() {
      await store.close()
      await service.end()
    }
  }
}

async function sendProject(url: string, key: string): Promise<string> {
  const project = await pack({ ...simpleProject, 'key.txt': key })
  const answer = await fetch(`${url}/projects`, { method: 'POST', body: form({ project }) })
  if (!answer.ok) throw new Error(await answer.text())
  return ((await answer.json()) as { digest: string }).digest
}

const aModel = { sizeBytes: 1, fileCount: 1, loggedModels: [] }
