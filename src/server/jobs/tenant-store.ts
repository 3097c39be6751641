/** The store as one tenant sees it: the jobs of others are not there. */
import type { Store } from '../store/index.ts'
import type { JobRecord, JobStatus } from './job.ts'
import type { WatchedStore } from './job-changes.ts'

export interface TenantStore
  extends Pick<
    Store,
    'insert' | 'whileKept' | 'ifUnused' | 'findKey' | 'forgetKeys' | 'list' | 'remove'
  > {
  get(id: string): Promise<JobRecord | undefined>
  summary(): Promise<Record<JobStatus, number>>
  requestStop(id: string, at: string): Promise<JobRecord | undefined>
  waitFor(id: string, isNews: (job: JobRecord) => boolean, signal: AbortSignal): Promise<JobRecord>
}

export function tenantStore(store: WatchedStore, tenant: string): TenantStore {
  const get = (id: string) => store.get(id, tenant)

  return {
    // Jobs are made with their tenant, and keys are of a scope that has it.
    insert: store.insert,
    whileKept: store.whileKept,
    ifUnused: store.ifUnused,
    findKey: store.findKey,
    forgetKeys: store.forgetKeys,
    get,
    list: query => store.list({ ...query, tenant }),
    summary: () => store.summary({ tenant }),
    requestStop: (id, at) => store.requestStop(id, at, tenant),
    remove: async id => {
      if (await get(id)) await store.remove(id)
    },
    waitFor: (id, isNews, signal) => store.waitFor(id, isNews, signal, tenant)
  }
}
