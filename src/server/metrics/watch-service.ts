/** What is looked at when somebody asks for the metrics: jobs, open requests, the disk. */
import { Gauge } from 'prom-client'
import type { Backend } from '../backends/index.ts'
import type { Disk } from '../disk.ts'
import { type Places, placeKinds } from '../places.ts'
import type { Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { version } from '../version.ts'
import type { Metrics } from './index.ts'

export interface Watched {
  store: Pick<Store, 'name' | 'summary' | 'oldest'>
  storage: Pick<Storage, 'name'>
  backend: Pick<Backend, 'name' | 'pending'>
  places: Places
  disk: Disk
  queuedJobs: number
}

export function watchService({ registry }: Metrics, watched: Watched): void {
  const { store, storage, backend, places, disk } = watched
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[],
    look: (gauge: Gauge<Label>) => Promise<void> | void
  ) =>
    new Gauge({
      name: `mlflow_jobs_${name}`,
      help,
      labelNames,
      registers: [registry],
      // What cannot be told now is left out; the rest is told.
      async collect() {
        this.reset()
        try {
          await look(this)
        } catch {
          // Without labels it would be 0.
          if (labelNames.length === 0) this.remove()
        }
      }
    })

  gauge('info', 'What runs here.', ['version', 'backend', 'storage', 'store'], it =>
    it.set({ version, backend: backend.name, storage: storage.name, store: store.name }, 1)
  )
  gauge('jobs', 'Jobs by status.', ['status', 'backend'], async it => {
    for (const [status, count] of Object.entries(await store.summary()))
      it.set({ status, backend: backend.name }, count)
  })
  gauge('queued_limit', 'At how many queued jobs submissions are refused.', [], it =>
    it.set(watched.queuedJobs)
  )
  gauge('oldest_queued_seconds', 'Age of the oldest queued job; 0: none waits.', [], async it => {
    const [oldest] = await store.oldest(['queued'], 1)
    it.set(oldest ? Math.max(0, (Date.now() - Date.parse(oldest.createdAt)) / 1000) : 0)
  })
  gauge('backend_ready', '1: jobs can start; 0: the backend is being prepared.', [], it =>
    it.set(backend.pending() === null ? 1 : 0)
  )
  gauge('open_requests', 'Requests that hold a place now.', ['kind'], it => {
    for (const kind of placeKinds) it.set({ kind }, places.taken(kind))
  })
  gauge('open_requests_limit', 'Beyond it they are refused.', ['kind'], it => {
    for (const kind of placeKinds) it.set({ kind }, places.limits[kind])
  })
  gauge('disk_free_bytes', 'Room on the disk of DATA_DIR.', [], async it =>
    it.set(await disk.freeBytes())
  )
  gauge('disk_claimed_bytes', 'What is still to come of uploads that are under way.', [], it =>
    it.set(disk.claimedBytes())
  )
  gauge('disk_reserve_bytes', 'With less room, submissions are refused.', [], it =>
    it.set(disk.reserveBytes)
  )
}
