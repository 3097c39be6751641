/**
 * Who waits for a job is woken by whoever changes its record. Of a change by this process they are given the record:
 * however many wait, neither store nor backend is asked again. One by another service is read once for all who wait.
 */
import { JobNotFound } from '../errors.ts'
import type { Store } from '../store/index.ts'
import type { JobRecord } from './job.ts'

/** A store whose changes can be waited for. */
export interface WatchedStore extends Store {
  /**
   * The job as soon as it is news to the caller, at the signal as it is then. Reads the store once; of changes that
   * come together only the last is looked at. Throws JOB_NOT_FOUND, with a tenant also for a job of another.
   */
  waitFor(
    id: string,
    isNews: (job: JobRecord) => boolean,
    signal: AbortSignal,
    tenant?: string
  ): Promise<JobRecord>
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

  /** Who cannot be told now is told of the next change, or when the store is heard again. */
  async function readAgain(id: string): Promise<void> {
    const job = await store.get(id).catch(() => undefined)
    if (job) announce(job)
  }

  const announced =
    (save: Store['save']): Store['save'] =>
    async job => {
      const saved = await save(job)
      if (saved) announce(saved)
      return saved
    }

  store.onChange({
    changed(id) {
      const ids = id === undefined ? listeners.keys() : [id].filter(one => listeners.has(one))
      for (const one of ids) void readAgain(one)
    },
    asked() {}
  })

  return {
    ...store,
    save: announced(store.save),

    async lead(signal) {
      const term = await store.lead(signal)
      return term && { ...term, save: announced(term.save) }
    },

    async requestStop(id, at, tenant) {
      const job = await store.requestStop(id, at, tenant)
      if (job) announce(job)
      return job
    },

    async waitFor(id, isNews, signal, tenant) {
      let latest: JobRecord | undefined
      let changed = Promise.withResolvers<void>()
      const wake = () => changed.resolve()
      const hear = (job: JobRecord | undefined) => {
        if (!job || job.version <= (latest?.version ?? 0)) return
        if (tenant !== undefined && job.tenant !== tenant) return
        latest = job
        wake()
      }
      // Before the store is read: no change falls between.
      const unlisten = listen(id, hear)
      signal.addEventListener('abort', wake)
      try {
        hear(await store.get(id, tenant))
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
