/** An archive through the real inspection in a folder of its own, with a look at what is left behind. */
import { readdir, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import type { Fault } from '../../src/contract/fault.ts'
import { createDisk } from '../../src/server/disk.ts'
import { SubmissionInvalid } from '../../src/server/errors.ts'
import {
  defaultLimits,
  type InspectedProject,
  inspectArchive,
  type ProjectLimits
} from '../../src/server/projects/index.ts'

export interface InspectOptions {
  limits?: Partial<ProjectLimits>
  path?: string
}

export interface Refusal {
  code: string
  message: string
  faults: Fault[]
}

/** The inspected project; the folder then holds its archive and nothing else. */
export async function inspect(
  t: Test,
  archive: Buffer,
  options: InspectOptions = {}
): Promise<InspectedProject> {
  const { project, error, left } = await attempt(t, archive, options)
  if (project === undefined) {
    throw error
  }
  t.strictSame(left, ['archive', basename(project.archive.path)], 'leaves the result only')
  t.equal((await stat(project.archive.path)).size, project.archive.sizeBytes, 'knows its size')
  return project
}

/** How the archive was refused; nothing is then left in the folder, nor around it. */
export async function refuse(
  t: Test,
  archive: Buffer,
  options: InspectOptions = {}
): Promise<Refusal> {
  const { error, left } = await attempt(t, archive, options)
  t.strictSame(left, ['archive'], 'leaves nothing behind')
  return {
    code: error?.code ?? 'TAKEN',
    message: error?.message ?? '',
    faults: error instanceof SubmissionInvalid ? error.faults : []
  }
}

/** What comes of the archive, and the names of all files that are there then. */
export async function attempt(
  t: Test,
  archive: Buffer,
  options: InspectOptions = {}
): Promise<{ project?: InspectedProject; error?: Error & { code?: string }; left: string[] }> {
  const base = t.testdir({ folder: {} })
  const path = join(base, 'archive')
  const folder = join(base, 'folder')
  await writeFile(path, archive)
  const { limits, ...rest } = options
  const { room } = createDisk(base, 0)
  const all = { folder, room, limits: { ...defaultLimits, ...limits }, ...rest }
  const outcome = await inspectArchive({ path, sizeBytes: archive.length }, all).then(
    project => ({ project }),
    error => ({ error })
  )
  const found = await readdir(base, { recursive: true, withFileTypes: true })
  const left = found.filter(entry => !entry.isDirectory()).map(entry => entry.name)
  return {
    ...outcome,
    left: left.sort((a, b) => Number(b === 'archive') - Number(a === 'archive'))
  }
}
