/** The project of a submission: the archive that came with it, or one that the storage has. */
import type { Fault } from '../../contract/fault.ts'
import { type Reading, readProject } from '../../contract/mlproject.ts'
import type { Room } from '../disk.ts'
import { ProjectNotFound, StorageUnavailable, SubmissionInvalid } from '../errors.ts'
import {
  inspectArchive,
  type ProjectFacts,
  type ProjectLimits,
  readStored,
  type SpooledFile
} from '../projects/index.ts'
import { projectKey, type Storage } from '../storage/index.ts'
import type { Submission } from './submission.ts'

export interface OpenProject {
  /** archive: only of one that was sent. */
  inspected: ProjectFacts & { archive?: SpooledFile }
  reading: Reading
}

export interface ProjectOptions {
  /** Whose projects they are. */
  tenant: string
  storage: Storage
  /** For temporary files. */
  folder: string
  /** On the folder's disk. */
  room: Room
  limits: ProjectLimits
}

export const digestPattern = /^sha256:[0-9a-f]{64}$/

/** undefined where there is none, with the reason among the faults; those of a refused archive are there, too. */
export async function openProject(
  { archive, texts }: Submission,
  faults: Fault[],
  options: ProjectOptions
): Promise<OpenProject | undefined> {
  const digest = texts.get('project')
  const path = texts.get('path')
  try {
    if (archive && digest === undefined) {
      const inspected = await inspectArchive(archive, { ...options, ...optional(path) })
      return withReading(inspected)
    }
    if (digest === undefined) faults.push(noProject)
    else if (archive) faults.push(twoProjects)
    else if (!digestPattern.test(digest)) faults.push(noDigest)
    else return await openStored(digest, path, options)
  } catch (error) {
    if (error instanceof ProjectNotFound && digest) faults.push(notThere(digest))
    else if (error instanceof SubmissionInvalid) faults.push(...error.faults)
    else throw error
  }
  return undefined
}

/**
 * Of a project that the storage has. Throws PROJECT_NOT_FOUND, SUBMISSION_INVALID where there is none at this path, and
 * STORAGE_UNAVAILABLE where it breaks off.
 */
export async function openStored(
  digest: string,
  path: string | undefined,
  options: ProjectOptions
): Promise<OpenProject> {
  const { storage } = options
  const key = projectKey({ ...options, digest })
  const open = () =>
    storage.read(key).catch(async error => {
      throw (await storage.stat(key)) ? error : new ProjectNotFound(digest)
    })
  const read = readStored(open, { ...options, ...optional(path) })
  return withReading(await read.catch(explain(digest)))
}

/** It was inspected before it was stored: what is neither ours nor the disk's own word is an answer that broke off. */
const explain = (digest: string) => (error: NodeJS.ErrnoException) => {
  if ('statusCode' in error || error.syscall !== undefined) throw error
  throw new StorageUnavailable(`The project ${digest} could not be read: ${error.message}.`, {
    cause: error
  })
}

const withReading = (inspected: OpenProject['inspected']): OpenProject => ({
  inspected,
  reading: readProject(inspected.path, inspected.files)
})

const optional = (path: string | undefined) => (path === undefined ? {} : { path })

const pointer = '/project'

const noProject: Fault = {
  pointer,
  detail:
    'The project is missing: send its archive as a file, as in curl -F project=@code.tar.gz, or the digest of one that was sent before.'
}

const twoProjects: Fault = { pointer, detail: 'Send an archive or a digest, not both.' }

const noDigest: Fault = {
  pointer,
  detail:
    'The project is text, but no digest such as sha256:9f86d0...: to send an archive with curl, put an @ before its path.'
}

export const notThere = (digest: string): Fault => ({
  pointer,
  detail: `There is no project ${digest} here: send its archive once, to POST /projects or with a job.`
})
