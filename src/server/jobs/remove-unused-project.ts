/** A project that is old enough and that no job and no submission under way needs is removed. */
import { projectKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import type { ProjectLock } from './project-lock.ts'

export interface ProjectRemoval {
  store: Pick<Store, 'get' | 'remove' | 'ifUnused'>
  storage: Storage
  projectLock: ProjectLock
  /** Younger ones may be needed by a submission to come. */
  projectMilliseconds: number
}

/** However many there are: who has sent one has that time to name it. */
const nameMilliseconds = 60 * 60 * 1000

/** How long one is kept in any case, once it was sent. */
export const surelyKept = (keep: { projectMilliseconds: number; projectBytes: number }): number =>
  Math.min(keep.projectMilliseconds, keep.projectBytes === Infinity ? Infinity : nameMilliseconds)

/** Answers whether it was removed now. */
export function removeUnusedProject(
  project: { tenant: string; digest: string },
  { store, storage, projectLock, projectMilliseconds }: ProjectRemoval
): Promise<boolean> {
  const key = projectKey(project)
  return projectLock.alone(key, async () => {
    if (projectLock.isHeld(key)) return false
    return store.ifUnused(project, async () => {
      const found = await storage.stat(key)
      if (!found || Date.now() - found.modifiedAt.getTime() < projectMilliseconds) return false
      await storage.remove(key)
      return true
    })
  })
}
