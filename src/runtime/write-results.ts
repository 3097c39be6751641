/** What the runtime leaves behind: the run report, the list of the model's files, the failure file. */
import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { cp, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ContainerTree, failureReasonLimit, runReportFile } from '../contract/container.ts'
import type { Mask } from '../contract/mask.ts'
import type { Failure, ModelFile, RunReport } from '../contract/run-report.ts'
import { readableNames } from './readable-names.ts'

/** Replaces the report as a whole: a reader sees the old or the new one. */
export async function writeReport({ outputData }: ContainerTree, report: RunReport): Promise<void> {
  const file = join(outputData, runReportFile)
  await mkdir(outputData, { recursive: true })
  await writeFile(`${file}.part`, JSON.stringify(report))
  await rename(`${file}.part`, file)
}

/** Writes output/failure, unless the user's program did; SageMaker shows its first characters. */
export async function writeFailure(tree: ContainerTree, failure: Failure): Promise<void> {
  await mkdir(dirname(tree.failure), { recursive: true })
  try {
    await writeFile(tree.failure, failureText(failure), { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** The user's program may have written its own words there, and a secret with them. */
export async function maskFailureFile({ failure }: ContainerTree, mask: Mask): Promise<void> {
  const found = await lstat(failure).catch(() => undefined)
  if (!found?.isFile() || found.size > mostFailureBytes) return
  const text = await readFile(failure, 'utf8')
  const masked = mask.text(text)
  if (masked !== text) await writeFile(failure, masked)
}

/** SageMaker reads far less. */
const mostFailureBytes = 1024 * 1024

/** The cause first, then as much of the traceback's end as there is room for. */
export function failureText({ type, message, file, line, traceback }: Failure): string {
  const where = file === null ? '' : `\n(${file}${line === null ? '' : `, line ${line}`})`
  const cause = [type, message].filter(Boolean).join(': ')
  const head = cut(cause, failureReasonLimit - where.length) + where
  const room = failureReasonLimit - head.length - 2
  const lines = (traceback ?? '').split('\n')
  while (lines.length > 0 && lines.join('\n').length > room) lines.shift()
  return lines.some(Boolean) ? `${head}\n\n${lines.join('\n')}` : head
}

/**
 * All files below the model folder. Links of both kinds are replaced by what they lead to: hosting cannot follow symbolic
 * ones, and an archive holds the bytes of a file with several names under the first of them alone.
 */
export async function listModelFiles(
  { model }: ContainerTree,
  warn: (text: string) => void
): Promise<ModelFile[]> {
  const files: ModelFile[] = []
  for (const path of await walk(model, model, warn)) {
    files.push({
      path: relative(model, path).split(sep).join('/'),
      sizeBytes: (await stat(path)).size,
      sha256: await digest(path)
    })
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function walk(folder: string, root: string, warn: (text: string) => void): Promise<string[]> {
  const found: string[] = []
  for (const name of await readableNames(folder, root, warn)) {
    const path = join(folder, name)
    if ((await lstat(path)).isSymbolicLink() && !(await replaceLink(path))) {
      warn(
        `The link ${relative(root, path)} in the model folder cannot be followed and was removed.`
      )
      continue
    }
    const kind = await lstat(path)
    if (kind.isDirectory()) found.push(...(await walk(path, root, warn)))
    else if (kind.isFile()) {
      if (kind.nlink > 1 && !(await copyApart(path)))
        warn(`${relative(root, path)} has several names, and there was no room to copy it.`)
      found.push(path)
    }
  }
  return found
}

/** Answers false where the link leads nowhere, or to a folder that it lies in, or to one that has such links. */
async function replaceLink(link: string): Promise<boolean> {
  const target = await realpath(link).catch(() => undefined)
  await rm(link)
  const inside = `${await realpath(dirname(link))}${sep}`
  if (target === undefined || inside.startsWith(`${target}${sep}`)) return false
  try {
    await cp(target, link, { recursive: true, dereference: true })
    return true
  } catch {
    await rm(link, { recursive: true, force: true })
    return false
  }
}

/** Gives a file that has other names its own bytes; answers false where it stays as it is. */
async function copyApart(path: string): Promise<boolean> {
  const copy = join(dirname(path), `.${randomUUID()}`)
  try {
    await cp(path, copy, { preserveTimestamps: true, mode: constants.COPYFILE_FICLONE })
    await rename(copy, path)
    return true
  } catch {
    await rm(copy, { force: true })
    return false
  }
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

/** At most `limit` UTF-16 units, no character cut in two. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
