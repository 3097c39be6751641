/** The API over a real store and storage, by default in a folder of the test's own; jobs stay queued, for its loop is not started. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppOptions } from '../../src/server/app.ts'
import { createLocal } from '../../src/server/backends/local/index.ts'
import { readConfig } from '../../src/server/config.ts'
import { watchStore } from '../../src/server/jobs/job-changes.ts'
import type { defaultLimits } from '../../src/server/projects/project-limits.ts'
import { createFilesystem } from '../../src/server/storage/filesystem.ts'
import type { Storage } from '../../src/server/storage/index.ts'
import type { Store } from '../../src/server/store/index.ts'
import { openSqlite } from '../../src/server/store/node-sqlite.ts'
import { createStore } from '../../src/server/store/sql.ts'
import { appOptions } from './app-options.ts'
import { compose } from './compose.ts'
import { type Owner, testFolder } from './folder.ts'

/** The same with other options of the app. */
export const testAppWith = (t: Owner, options: Partial<AppOptions>) =>
  testApp(t, {}, createFilesystem, store => store, options)

export async function testApp(
  t: Owner,
  limits: Partial<typeof defaultLimits> & {
    queuedJobs?: number
    tenantQueuedJobs?: number
    secretRoots?: string[]
    inputRoots?: string[]
    /** Makes unused projects be kept for a day. */
    projectBytes?: number
  } = {},
  makeStorage: (dataDir: string) => Storage = createFilesystem,
  around: (store: Store) => Store = store => store,
  options: Partial<AppOptions> = {}
) {
  const dataDir = testFolder(t)
  const folder = join(dataDir, 'tmp')
  await mkdir(folder)
  const store = watchStore(around(await createStore(openSqlite(join(dataDir, 'jobs.db')))))
  const storage = makeStorage(dataDir)
  const backend = createLocal({
    secretRoots: limits.secretRoots ?? [],
    inputRoots: limits.inputRoots ?? [],
    folder: dataDir,
    slots: 1,
    stopGraceSeconds: 10,
    limits: { ...readConfig({}).localLimits, memoryMb: 4096, cpus: 2 },
    jobEnvironment: {},
    buildEnvironment: {},
    facilities: {
      open() {},
      pending: () => 'Nothing is prepared in this test.',
      current: () => undefined,
      trackingUri: () => null,
      onReady() {},
      close: async () => {}
    }
  })
  const defaults = appOptions(dataDir)
  const { app, jobs, end } = await compose(
    { dataDir, store, storage, backend },
    {
      limits,
      projectMilliseconds: limits.projectBytes === undefined ? 0 : 24 * 60 * 60 * 1000,
      ...(limits.projectBytes === undefined ? {} : { projectBytes: limits.projectBytes }),
      intervalMilliseconds: 50,
      app: { ...defaults, ...options }
    }
  )
  t.teardown(async () => {
    await end()
    await store.close()
  })
  return {
    app,
    jobs,
    store,
    storage,
    dataDir,
    folder,
    places: options.places ?? defaults.places,
    metrics: defaults.metrics
  }
}
