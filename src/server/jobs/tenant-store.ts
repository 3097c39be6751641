/** The store as one tenant sees it: the jobs of others are not there. */
import { JobNotFound } from '../errors.ts'
import type { JobRecord } from './job.ts'
import type { WatchedStore } from './job-changes.ts'

export type TenantStore = Pick<
  WatchedStore,
  | 'insert'
  | 'findKey'
  | 'forgetKeys'
  | 'get'
  | 'list'
  | 'summary'
  | 'requestStop'
  | 'remove'
  | 'waitFor'
>

export function tenantStore(store: WatchedStore, tenant: string): TenantStore {
  const isOwn = (job: JobRecord) => job.tenant === tenant

  async function get(id: string): Promise<JobRecord | undefined> {
    const job = await store.get(id)
    return job && isOwn(job) ? job : undefined
  }

  return {
    // Jobs are made with their tenant, and keys are of a scope that has it.
    insert: store.insert,
    findKey: store.findKey,
    forgetKeys: store.forgetKeys,
    get,
    list: query => store.list({ ...query, tenant }),
    summary: () => store.summary({ tenant }),
    requestStop: async (id, at) => ((await get(id)) ? store.requestStop(id, at) : undefined),
    remove: async id => {
      if (await get(id)) await store.remove(id)
    },

    async waitFor(id, isNews, signal) {
      const job = await store.waitFor(id, job => !isOwn(job) || isNews(job), signal)
      if (!isOwn(job)) throw new JobNotFound(id)
      return job
    }
  }
}
