/** Where bytes live: projects and what jobs leave. Keys are the same in every storage. */
import type { Readable } from 'node:stream'
import { defaultTenant } from '../tenant.ts'

export interface StoredObject {
  sizeBytes: number
  /** Changes when the bytes do; quoted as HTTP wants it. */
  etag: string
  modifiedAt: Date
}

export interface ListedObject {
  key: string
  sizeBytes: number
  modifiedAt: Date
}

/** Every method throws STORAGE_UNAVAILABLE, with the reason in words, where it cannot do its work now. */
export interface Storage {
  readonly name: 'filesystem' | 's3'
  /** Takes over the local file as the object `key`, durably; an object that is there is kept if `ifAbsent`. */
  put(key: string, file: string, options?: { ifAbsent?: boolean }): Promise<void>
  /** undefined where there is no such object. */
  stat(key: string): Promise<StoredObject | undefined>
  /** The bytes from `start` to `end` (both inclusive); fails where there is no such object. */
  read(key: string, range?: { start?: number; end?: number }): Promise<Readable>
  /** The objects below a prefix that ends in "/", in no order; none where there is no such prefix. */
  list(prefix: string): AsyncIterable<ListedObject>
  /** Removes an object, or all objects below a prefix that ends in "/"; absent is fine. */
  remove(key: string): Promise<void>
  /** Where others find the object, such as s3://bucket/prefix/key; whether there is one or not. */
  uri(key: string): string
  /**
   * A URL by which anybody can read the object for so many seconds, saved by browsers under `fileName`; undefined where
   * the storage gives none.
   */
  temporaryUrl(
    key: string,
    options: { seconds: number; fileName: string }
  ): Promise<string | undefined>
  /** Whether it can be used now; answered within seconds. */
  check(): Promise<void>
}

/** Below it, each job has a folder. */
export const jobsFolder = 'jobs'

/** All that a job has left. */
export const jobFolder = (id: string) => `${jobsFolder}/${id}/`

const hexOf = (digest: string) => digest.replace('sha256:', '')

export interface ProjectName {
  tenant: string
  digest: string
}

/** Below them are the projects of all tenants. */
export const projectFolders = ['projects/', 'tenants/']
/** Of a tenant's own: what others have sent cannot be told from it. */
export const projectKey = ({ tenant, digest }: ProjectName) =>
  `${tenant === defaultTenant ? '' : `tenants/${tenant}/`}projects/${hexOf(digest)}.tar.gz`
/** undefined where the key is not a project's. */
export function projectOf(key: string): ProjectName | undefined {
  const [, tenant = defaultTenant, hex] =
    /^(?:tenants\/([^/]+)\/)?projects\/([0-9a-f]{64})\.tar\.gz$/.exec(key) ?? []
  return hex === undefined ? undefined : { tenant, digest: `sha256:${hex}` }
}
export const modelKey = (id: string) => `jobs/${id}/output/model.tar.gz`
export const outputKey = (id: string) => `jobs/${id}/output/output.tar.gz`
export const logKey = (id: string) => `jobs/${id}/log.txt`
export const reportKey = (id: string) => `jobs/${id}/run-report.json`
