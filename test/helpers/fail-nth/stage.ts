/** The API and the loop over a real store and storage, whose calls can be made to fail, in a folder of their own. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { StorageUnavailable, StoreUnavailable } from '../../../src/server/errors.ts'
import { isTerminal } from '../../../src/server/jobs/job.ts'
import { watchStore } from '../../../src/server/jobs/job-changes.ts'
import { createProjectLock } from '../../../src/server/jobs/project-lock.ts'
import { sweep } from '../../../src/server/jobs/sweep.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { logKey, modelKey, type Storage } from '../../../src/server/storage/index.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { type Composed, compose } from '../compose.ts'
import { pack, simpleProject } from '../project.ts'
import { createRemote, type Remote } from '../state-machine/remote.ts'
import { createNthCall, type Failure, type NthCall } from './nth-call.ts'

export interface Stage {
  app: FastifyInstance
  /** Without failures. */
  store: Store
  storage: Storage
  remote: Remote
  calls: NthCall
  /** How long the loop may take for what it is asked. */
  patienceMilliseconds: number
  /** A new process takes over. */
  restart(): Promise<void>
  start(): void
  /** One sweep, to which every job that has ended is too old, and every project that none needs. */
  sweep(): Promise<void>
  put(key: string): Promise<void>
  /** What lies about that belongs to no job and no project. */
  leftovers(): Promise<string[]>
  close(): Promise<void>
}

const storeMethods = [
  ...(['insert', 'findKey', 'forgetKeys', 'summary', 'remove', 'get'] as const),
  ...(['list', 'oldest', 'save', 'requestStop', 'whileKept', 'ifUnused'] as const)
]
const storageMethods = ['put', 'stat', 'read', 'remove'] as const
const backendMethods = ['start', 'observe', 'stop', 'log', 'forget', 'kept'] as const

const words: Record<Failure, string> = {
  error: 'Input/output error',
  timeout: 'It did not answer in time',
  full: 'No space left on device',
  lost: 'The connection was reset'
}

/** Of another database than SQLite: what the service uses, and what is asked past all failures. */
export interface Stores {
  used: Store
  direct: Store
}

export async function createStage(stores?: Stores): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mlflow-jobs-faults-'))
  const folder = join(dataDir, 'tmp')
  await mkdir(folder)
  const store = stores?.direct ?? (await createStore(openSqlite(join(dataDir, 'jobs.db'))))
  const used = stores?.used ?? store
  const storage = createFilesystem(dataDir)
  const remote = createRemote(async id => {
    const job = await store.get(id)
    return !job || isTerminal(job.status)
  })
  const calls = createNthCall()
  const parts = {
    store: watchStore(
      calls.between('store', used, storeMethods, kind => new StoreUnavailable(words[kind]))
    ),
    storage: calls.between(
      'storage',
      storage,
      storageMethods,
      kind => new StorageUnavailable(words[kind])
    ),
    backend: calls.between(
      'backend',
      remote.backend,
      backendMethods,
      kind => new Error(words[kind])
    )
  }
  let composed: Composed

  async function begin(): Promise<void> {
    remote.deafen()
    composed = await compose({ ...parts, dataDir })
  }

  await begin()
  return {
    get app() {
      return composed.app
    },
    store,
    storage,
    remote,
    calls,
    patienceMilliseconds: 200,
    start: () => composed.jobs.start(),
    async sweep() {
      await sweep({
        ...parts,
        projectLock: createProjectLock(),
        jobMilliseconds: 0,
        // Never reached; Infinity would look for jobs by the times that ids begin with, and these have none.
        jobBytes: Number.MAX_SAFE_INTEGER,
        projectMilliseconds: 0,
        projectBytes: Infinity,
        log: { info() {}, error() {} }
      })
    },
    async restart() {
      await composed.end()
      await begin()
    },
    async put(key) {
      const file = join(folder, 'file')
      await writeFile(file, key.includes('projects/') ? await archive : 'bytes')
      await storage.put(key, file)
    },
    async leftovers() {
      const temporary = await readdir(folder)
      const folders = await readdir(join(dataDir, 'jobs')).catch(() => [])
      const known = await Promise.all(folders.map(id => store.get(id)))
      return [
        ...temporary.map(name => `tmp/${name} is left over`),
        ...folders.filter((_, n) => !known[n]).map(id => `jobs/${id} is left over`)
      ]
    },
    async close() {
      await composed.end()
      await store.close()
      if (used !== store) await used.close()
      await rm(dataDir, { recursive: true })
    }
  }
}

/** A project that can be read again. */
const archive = pack(simpleProject).then(async blob => Buffer.from(await blob.arrayBuffer()))

/** What a job with these would have left. */
export const leftBy = (id: string) => [modelKey(id), logKey(id)]
