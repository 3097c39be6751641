/**
 * Who waits for a job is woken by whoever changes its record, and is given the record: however many wait, neither store
 * nor backend is asked again. Only changes of this process are heard, which alone writes to its store.
 */
import { JobNotFound } from '../errors.ts'
import type { Store } from '../store/index.ts'
import type { JobRecord } from './job.ts'

/** A store whose changes can be waited for. */
export interface WatchedStore extends Store {
  /**
   * The job as soon as it is news to the caller, at the signal as it is then. Reads the store once; of changes that
   * come together only the last is looked at. Throws JOB_NOT_FOUND.
   */
  waitFor(id: string, isNews: (job: JobRecord) => boolean, signal: AbortSignal): Promise<JobRecord>
  /** How many wait now. */
  waiters(): number
}

type Listener = (job: JobRecord) => void

export function watchStore(store: Store): WatchedStore {
  const listeners = new Map<string, Set<Listener>>()

  function announce(job: JobRecord): void {
    for (const listener of listeners.get(job.id) ?? []) listener(job)
  }

  function listen(id: string, listener: Listener): () => void {
    const those = listeners.get(id) ?? new Set()
    listeners.set(id, those.add(listener))
    return () => {
      those.delete(listener)
      if (those.size === 0) listeners.delete(id)
    }
  }

  return {
    ...store,

    async save(job) {
      const saved = await store.save(job)
      if (saved) announce(saved)
      return saved
    },

    async requestStop(id, at) {
      const job = await store.requestStop(id, at)
      if (job) announce(job)
      return job
    },

    async waitFor(id, isNews, signal) {
      let latest: JobRecord | undefined
      let changed = Promise.withResolvers<void>()
      const wake = () => changed.resolve()
      const hear = (job: JobRecord | undefined) => {
        if (!job || job.version <= (latest?.version ?? 0)) return
        latest = job
        wake()
      }
      // Before the store is read: no change falls between.
      const unlisten = listen(id, hear)
      signal.addEventListener('abort', wake)
      try {
        hear(await store.get(id))
        if (!latest) throw new JobNotFound(id)
        for (;;) {
          changed = Promise.withResolvers()
          if (signal.aborted || isNews(latest)) return latest
          await changed.promise
        }
      } finally {
        unlisten()
        signal.removeEventListener('abort', wake)
      }
    },

    waiters: () => listeners.values().reduce((sum, { size }) => sum + size, 0)
  }
}
