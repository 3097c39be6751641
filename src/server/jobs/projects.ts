/** Projects, as routes see them: kept without a job, and looked at. */
import { readProject } from '../../contract/mlproject.ts'
import type { Project } from '../../contract/project.ts'
import { ProjectNotFound, SubmissionInvalid } from '../errors.ts'
import {
  discardFile,
  type InspectedProject,
  inspectArchive,
  type ReceivedArchive,
  type TreeFile
} from '../projects/index.ts'
import { projectKey, type StoredObject } from '../storage/index.ts'
import { digestPattern, type OpenProject, openStored, type ProjectOptions } from './open-project.ts'
import type { ProjectLock } from './project-lock.ts'
import { putProject } from './put-project.ts'
import { surelyKept } from './remove-unused-project.ts'
import type { TenantStore } from './tenant-store.ts'

export interface StoredProject {
  project: Project
  inspected: OpenProject['inspected']
  warnings: string[]
  /** Of the archive, as it is stored. */
  sizeBytes: number
  /** When it was stored (RFC 3339, UTC). */
  storedAt: string
}

export interface Projects {
  /** Checks the archive and keeps it. `added` is false where the project was there. Throws as a submission does. */
  add(archive: ReceivedArchive, path?: string): Promise<{ stored: StoredProject; added: boolean }>
  /** Throws PROJECT_NOT_FOUND, or SUBMISSION_INVALID where there is no project at the path. */
  get(digest: string, path?: string): Promise<StoredProject>
  /** The files that the digest is of; undefined where the project is not there. */
  files(project: { digest: string; path: string }): Promise<TreeFile[] | undefined>
  /** Throws PROJECT_NOT_FOUND. */
  stat(digest: string): Promise<{ sizeBytes: number; storedAt: string }>
}

interface ProjectsOptions extends ProjectOptions {
  store: Pick<TenantStore, 'whileKept'>
  projectLock: ProjectLock
  /** How long those are kept that no job needs, and how much of them. */
  projectMilliseconds: number
  projectBytes: number
}

export function createProjects(options: ProjectsOptions): Projects {
  const { tenant, store, storage, projectLock } = options
  const keyOf = (digest: string) => projectKey({ ...options, digest })

  async function stat(digest: string) {
    const found = digestPattern.test(digest) ? await storage.stat(keyOf(digest)) : undefined
    if (!found) throw new ProjectNotFound(digest)
    return factsOf(found)
  }

  async function get(digest: string, path?: string): Promise<StoredProject> {
    const { storedAt, sizeBytes } = await stat(digest)
    const { inspected, reading } = await openStored(digest, path, options)
    if (!reading.project) throw new SubmissionInvalid(reading.faults)
    const warnings = [...inspected.warnings, ...reading.warnings]
    return { project: reading.project, inspected, warnings, sizeBytes, storedAt }
  }

  const put = ({ digest, archive }: InspectedProject) =>
    projectLock.alone(keyOf(digest), async () => {
      const key = keyOf(digest)
      const before = await storage.stat(key)
      // Who sends it is about to use it: an old one is stored anew, so that it is not swept before.
      const isYoung = before && Date.now() - before.modifiedAt.getTime() < surelyKept(options) / 2
      if (isYoung) return { added: false, ...factsOf(before) }
      await putProject(storage, key, archive, { ifAbsent: !before })
      // Another service may be about to remove the old one.
      const kept = await store.whileKept({ tenant, digest }, () => storage.stat(key))
      if (!kept) await putProject(storage, key, archive, { ifAbsent: true })
      return { added: !before, ...(kept ? factsOf(kept) : await stat(digest)) }
    })

  return {
    stat,
    get,

    async files({ digest, path }) {
      try {
        return (await openStored(digest, path, options)).inspected.tree
      } catch (error) {
        if (error instanceof ProjectNotFound) return undefined
        throw error
      }
    },

    async add(archive, path) {
      const inspected = await inspectArchive(archive, {
        ...options,
        ...(path === undefined ? {} : { path })
      }).finally(() => discardFile(archive.path))
      try {
        const { project, faults, warnings } = readProject(inspected.path, inspected.files)
        if (!project) throw new SubmissionInvalid(faults)
        const { added, ...facts } = await put(inspected)
        const all = [...inspected.warnings, ...warnings]
        return { added, stored: { ...facts, project, inspected, warnings: all } }
      } finally {
        await discardFile(inspected.archive.path)
      }
    }
  }
}

const factsOf = ({ sizeBytes, modifiedAt }: StoredObject) => ({
  sizeBytes,
  storedAt: modifiedAt.toISOString()
})
