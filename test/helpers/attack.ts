/** Sends every archive of the tests to a running service: the hostile ones are to be refused, the normal ones taken. */

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fault } from '../../src/contract/fault.ts'
import { treeDigest } from '../../src/server/projects/index.ts'
import type { HostileArchive } from '../fixtures/archives/hostile-archive.ts'
import { hostileTars } from '../fixtures/archives/hostile-tars.ts'
import { hostileZips } from '../fixtures/archives/hostile-zips.ts'
import { type NormalArchive, normalArchives } from '../fixtures/archives/normal.ts'
import { notArchives } from '../fixtures/archives/not-archives.ts'
import { tooLarge } from '../fixtures/archives/too-large.ts'
import { truncated } from '../fixtures/archives/truncated.ts'
import { startWatchedService, type WatchedService } from './watched-service.ts'

export interface AttackResult {
  refused: number
  /** Each a sentence; none is what is wanted. */
  taken: string[]
  normalTaken: number
  normalRefused: string[]
  /** Packers that this machine does not have. */
  missing: string[]
  bytesOutside: number
  broken: string[]
  /** The most that any archive made the service inflate. */
  mostRead: number
  mostInflated: number
  /** Whether system calls were watched. */
  traced: boolean
}

const mebibyte = 2 ** 20

/** It is noticed with the piece that goes too far, while the next one is made. */
const pieces = 2 * mebibyte
const mostInflated = 64 * mebibyte + pieces
const mostRead = mebibyte

const variables = {
  files: 'MAX_PROJECT_FILES',
  depth: 'MAX_PROJECT_DEPTH',
  unpackedBytes: 'MAX_PROJECT_BYTES',
  ratio: 'MAX_PROJECT_RATIO'
} as const

const hostile: HostileArchive[] = [
  ...hostileTars,
  ...hostileZips,
  ...tooLarge,
  ...truncated,
  ...notArchives.map(([what, archive]): HostileArchive => [what, () => archive, /seems to be/])
]

export async function attack(onProgress: (text: string) => void): Promise<AttackResult> {
  const result: AttackResult = {
    refused: 0,
    taken: [],
    normalTaken: 0,
    normalRefused: [],
    missing: [],
    bytesOutside: 0,
    broken: [],
    mostRead: 0,
    mostInflated: 0,
    traced: true
  }
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-attack-'))
  try {
    // Archives that are hostile under limits of their own need a service that has these.
    const groups = Map.groupBy(hostile, ([, , , options]) => JSON.stringify(options?.limits ?? {}))
    for (const [limits, archives] of groups) {
      const root = join(folder, `service-${[...groups.keys()].indexOf(limits)}`)
      const service = await startWatchedService(root, environmentOf(JSON.parse(limits)))
      onProgress(`${archives.length} hostile archives, limits ${limits}`)
      for (const archive of archives) await sendHostile(service, archive, result)
      await noteLeftOver(service, ['tmp', 'projects', 'jobs'], result)
      if (limits === '{}') {
        onProgress(`${normalArchives.length} normal archives`)
        await mkdir(join(folder, 'pack'))
        for (const archive of normalArchives)
          await sendNormal(service, archive, await mkdtemp(join(folder, 'pack/')), result)
        await noteLeftOver(service, ['tmp', 'jobs'], result)
      }
      await noteOutside(service, result)
    }
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const environmentOf = (limits: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [
      variables[name as keyof typeof variables],
      String(value)
    ])
  )

/** As a project alone: as a job it could be refused for the lack of an entry point, however hostile it was taken. */
async function sendHostile(
  service: WatchedService,
  [title, archive, says]: HostileArchive,
  result: AttackResult
): Promise<void> {
  const { status, text } = await send(`${service.url}/projects`, await archive())
  const { read, inflated } = service.inflation()
  result.mostRead = Math.max(result.mostRead, read)
  result.mostInflated = Math.max(result.mostInflated, inflated)
  if (read > mostRead || inflated > mostInflated)
    result.broken.push(`${title}: ${read} bytes were read, and inflated to ${inflated}`)
  if (status < 400) result.taken.push(`taken: ${title}`)
  else if (status >= 500) result.broken.push(`${status}: ${title}: ${text}`)
  else if (!reasons(text).some(reason => says.test(reason)))
    result.broken.push(`refused without its reason: ${title}: ${text}`)
  else result.refused++
}

function reasons(text: string): string[] {
  const { detail, errors = [] } = JSON.parse(text) as { detail: string; errors?: Fault[] }
  return [detail, ...errors.map(fault => fault.detail)]
}

async function sendNormal(
  service: WatchedService,
  { title, files, pack }: NormalArchive,
  folder: string,
  result: AttackResult
): Promise<void> {
  const archive = await pack(folder)
  if (!archive) return void result.missing.push(title)
  const { status, text } = await send(`${service.url}/projects`, archive)
  const { digest } = JSON.parse(text) as { digest?: string }
  if (status >= 400) result.normalRefused.push(`refused: ${title}: ${text}`)
  else if (digest !== digestOf(files)) result.broken.push(`${title} is another tree: ${text}`)
  else result.normalTaken++
}

const digestOf = (files: NormalArchive['files']) =>
  treeDigest(
    files.map(({ path, body, executable = false }) => ({
      path,
      executable,
      sizeBytes: Buffer.byteLength(body),
      sha256: createHash('sha256').update(body).digest('hex')
    }))
  )

async function send(url: string, archive: Buffer): Promise<{ status: number; text: string }> {
  const form = new FormData()
  form.append('project', new Blob([new Uint8Array(archive)]), 'project.tar.gz')
  const response = await fetch(url, { method: 'POST', body: form })
  return { status: response.status, text: await response.text() }
}

async function noteLeftOver(service: WatchedService, names: string[], result: AttackResult) {
  for (const name of names)
    for (const path of await readdir(join(service.dataDir, name)).catch(() => []))
      result.broken.push(`${name}/${path} is left over`)
}

async function noteOutside(service: WatchedService, result: AttackResult) {
  const { outside, beside } = await service.stop()
  result.broken.push(...beside.map(name => `${name} lies beside the data folder`))
  result.broken.push(...(outside?.calls ?? []).map(call => `outside: ${call}`))
  result.bytesOutside += outside?.bytes ?? 0
  result.traced &&= outside !== undefined
}
