/** An archive through the real inspection in a folder of its own, with a look at what is left behind. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import type { Fault } from '../../src/contract/fault.ts'
import { createDisk } from '../../src/server/disk.ts'
import { SubmissionInvalid } from '../../src/server/errors.ts'
import {
  defaultLimits,
  discardFile,
  type InspectedProject,
  inspectArchive,
  type ProjectLimits,
  receiveArchive
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
  const { project, error, asItCame, left } = await attempt(t, archive, options)
  if (project === undefined) {
    throw error
  }
  t.strictSame(comparable(asItCame), comparable({ project }), 'is the same while it is received')
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
  const { project, error, asItCame, left } = await attempt(t, archive, options)
  t.strictSame(
    comparable(asItCame),
    comparable({ ...(project ? { project } : {}), ...(error ? { error } : {}) }),
    'is the same while it is received'
  )
  t.strictSame(left, ['archive'], 'leaves nothing behind')
  return {
    code: error?.code ?? 'TAKEN',
    message: error?.message ?? '',
    faults: error instanceof SubmissionInvalid ? error.faults : []
  }
}

/** What comes of the archive, and of the same one as an upload; and the names of all files that are there then. */
export async function attempt(
  t: Test,
  archive: Buffer,
  options: InspectOptions = {}
): Promise<Outcome & { asItCame: Outcome; left: string[] }> {
  const base = t.testdir({ folder: {} })
  const path = join(base, 'archive')
  const folder = join(base, 'folder')
  await writeFile(path, archive)
  const { limits, ...rest } = options
  const { room } = createDisk(base, 0)
  const all = { folder, room, limits: { ...defaultLimits, ...limits }, ...rest }
  const outcome = await outcomeOf(inspectArchive({ path, sizeBytes: archive.length }, all))
  const found = await readdir(base, { recursive: true, withFileTypes: true })
  const left = found.filter(entry => !entry.isDirectory()).map(entry => entry.name)
  return {
    ...outcome,
    asItCame: await attemptAsItComes(archive, all),
    left: left.sort((a, b) => Number(b === 'archive') - Number(a === 'archive'))
  }
}

type Outcome = { project?: InspectedProject; error?: Error & { code?: string; faults?: Fault[] } }

const outcomeOf = (inspecting: Promise<InspectedProject>): Promise<Outcome> =>
  inspecting.then(
    project => ({ project }),
    error => ({ error })
  )

/** As an upload that is inspected while it comes, in pieces of several sizes. */
async function attemptAsItComes(
  archive: Buffer,
  { folder, ...options }: Parameters<typeof inspectArchive>[1]
): Promise<Outcome> {
  const own = await mkdtemp(`${folder}-`)
  const received = await receiveArchive(Readable.from(pieces(archive)), { ...options, folder: own })
  const outcome = await outcomeOf(inspectArchive(received, { ...options, folder: own }))
  await discardFile(received.path)
  const expected = outcome.project ? [basename(outcome.project.archive.path)] : []
  if (`${await readdir(own)}` !== `${expected}`) throw new Error('something is left behind')
  await rm(own, { recursive: true })
  return outcome
}

function* pieces(archive: Buffer): Generator<Buffer> {
  for (let start = 0, length = 3; start < archive.length; length = Math.min(2 ** 16, length * 7)) {
    yield archive.subarray(start, start + length)
    start += length
  }
}

/** All that a caller sees of it. How far a gzip was read that is damaged later depends on how its bytes came. */
const comparable = ({ project, error }: Outcome) => ({
  refusal: error && {
    code: error.code,
    message: error.message,
    faults: error.faults?.map(({ detail }) => detail.replace(/ beyond '.*'(?=: its gzip)/, ''))
  },
  project: project && {
    ...project,
    archive: undefined,
    files: [...project.files.paths()].map(path => [path, project.files.read(path)])
  }
})
