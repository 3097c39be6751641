/** The projects of submissions in the storage. Most jobs are of a project that the service has stored before. */
import type { Storage } from '../storage/index.ts'
import { putProject } from './put-project.ts'

export interface StoredProjects {
  /** When it answers, the project is there and durable. One that this service has stored, and that is still the same, stays as it is. */
  ensure(key: string, archive: { path: string }): Promise<void>
}

/** That it is there is not enough: a service that was killed in between may have named it, and not have synced the name. */
export function createStoredProjects(
  storage: Pick<Storage, 'put' | 'stat'>,
  mostKnown = 1000
): StoredProjects {
  /** The etag under which it was stored. */
  const known = new Map<string, string>()

  function note(key: string, etag: string): void {
    known.delete(key)
    known.set(key, etag)
    const [oldest] = known.keys()
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest)
  }

  return {
    async ensure(key, archive) {
      const before = known.get(key)
      if (before !== undefined && (await storage.stat(key))?.etag === before) return
      await putProject(storage, key, archive, { ifAbsent: true })
      // It is stored, whether this works or not.
      const stored = await storage.stat(key).catch(() => undefined)
      if (stored) note(key, stored.etag)
    }
  }
}
