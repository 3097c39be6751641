/** An archive through the real inspection in a folder of its own, with a look at what is left behind. */
import { readdir, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import type { Fault } from '../../src/contract/fault.ts'
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
  const { folder, run } = await prepare(t, archive, options)
  const project = await run()
  t.strictSame(await readdir(folder), [basename(project.archive.path)], 'leaves the result only')
  t.equal((await stat(project.archive.path)).size, project.archive.sizeBytes, 'knows its size')
  return project
}

/** How the archive was refused; the folder is then empty, as is everything around it. */
export async function refuse(
  t: Test,
  archive: Buffer,
  options: InspectOptions = {}
): Promise<Refusal> {
  const { folder, base, run } = await prepare(t, archive, options)
  const error = await run().then(
    () => new Error('the archive was taken'),
    error => error
  )
  t.strictSame(await readdir(folder), [], 'leaves nothing in the folder')
  t.strictSame((await readdir(base)).sort(), ['archive', 'folder'], 'leaves nothing outside of it')
  return {
    code: error.code,
    message: error.message,
    faults: error instanceof SubmissionInvalid ? error.faults : []
  }
}

async function prepare(t: Test, archive: Buffer, options: InspectOptions) {
  const base = t.testdir({ folder: {} })
  const path = join(base, 'archive')
  const folder = join(base, 'folder')
  await writeFile(path, archive)
  const { limits, ...rest } = options
  const all = { folder, limits: { ...defaultLimits, ...limits }, ...rest }
  return { base, folder, run: () => inspectArchive({ path, sizeBytes: archive.length }, all) }
}
