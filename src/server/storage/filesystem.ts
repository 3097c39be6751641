/**
 * The storage as a folder: an object is a file, its key the path below the root. What `put` has answered for is on the
 * disk, name and all; until then nothing is visible under the key. The file system must know hard links.
 */
import { randomUUID } from 'node:crypto'
import {
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { getSystemErrorMessage } from 'node:util'
import { StorageUnavailable } from '../errors.ts'
import { checkKey, isKey } from './check-key.ts'
import { openFileStream } from './file-stream.ts'
import type { ListedObject, Storage } from './index.ts'

export function createFilesystem(folder: string): Storage {
  const root = resolve(folder)

  const pathOf = (key: string) => {
    checkKey(key)
    return join(root, key)
  }

  const statObject = async (key: string) => {
    const found = await stat(pathOf(key), { bigint: true }).catch(undefinedIfMissing)
    if (!found?.isFile()) return undefined
    const { size, mtimeNs, ino, mtime } = found
    const etag = `"${[size, mtimeNs, ino].map(number => number.toString(36)).join('-')}"`
    return { sizeBytes: Number(size), etag, modifiedAt: mtime }
  }

  const putObject = async (key: string, file: string, move: Move) => {
    const target = pathOf(key)
    await sync(file)
    await mkdir(dirname(target), { recursive: true })
    await place(file, target, move)
    // Up to the root each time: another `put` may have made a folder, and not have synced its name yet.
    for (let made = dirname(target); made.length >= root.length; made = dirname(made))
      await sync(made)
  }

  const readObject = async (key: string, range: { start?: number; end?: number }) => {
    if (!(await statObject(key)))
      throw new Error(`The storage has no object ${JSON.stringify(key)}.`)
    return openFileStream(pathOf(key), range)
  }

  async function* listBelow(prefix: string): AsyncGenerator<ListedObject> {
    const folder = pathOf(prefix.replace(/\/$/, ''))
    const entries = await readdir(folder, { recursive: true }).catch(undefinedIfMissing)
    for (const name of entries ?? []) {
      const key = `${prefix}${name}`
      // Temporary files begin with a dot.
      const found = isKey(key) ? await statObject(key) : undefined
      if (found) yield { key, sizeBytes: found.sizeBytes, modifiedAt: found.modifiedAt }
    }
  }

  const removeObjects = async (key: string) => {
    if (key.endsWith('/')) await rm(pathOf(key.slice(0, -1)), { recursive: true, force: true })
    else if (await statObject(key)) await rm(pathOf(key), { force: true })
  }

  return {
    name: 'filesystem',
    stat: key => explained(statObject(key)),
    put: (key, file, { ifAbsent = false } = {}) =>
      explained(putObject(key, file, ifAbsent ? linkAbsent : rename)),
    read: (key, range = {}) => explained(readObject(key, range)),
    remove: key => explained(removeObjects(key)),

    async *list(prefix) {
      try {
        yield* listBelow(prefix)
      } catch (error) {
        throw explain(error as NodeJS.ErrnoException)
      }
    },

    uri: key => pathToFileURL(pathOf(key)).href,
    temporaryUrl: async () => undefined,

    async check() {
      const probe = join(root, `.probe-${randomUUID()}`)
      try {
        await writeFile(probe, 'probe')
        await rm(probe)
      } catch (error) {
        throw new Error(`Nothing can be written to ${root}: ${(error as Error).message}.`, {
          cause: error
        })
      }
    }
  }
}

/** In the system's words, but without paths, which are no matter of those who call the service. */
const explained = <Result>(answer: Promise<Result>): Promise<Result> =>
  answer.catch((error: NodeJS.ErrnoException) => {
    throw explain(error)
  })

function explain(error: NodeJS.ErrnoException): Error {
  if (error.errno === undefined) return error
  const words = getSystemErrorMessage(error.errno)
  return new StorageUnavailable(`The storage’s file system says: ${words} (${error.code}).`, {
    cause: error
  })
}

type Move = (file: string, target: string) => Promise<void>

/** Moves within the file system; from another one by a copy beside the target, that is moved when it is whole. */
async function place(file: string, target: string, move: Move): Promise<void> {
  try {
    await move(file, target)
  } catch (error) {
    if (!hasCode(error, 'EXDEV')) throw error
    const copy = join(dirname(target), `.${randomUUID()}`)
    try {
      await copyFile(file, copy, constants.COPYFILE_EXCL)
      await sync(copy)
      await move(copy, target)
    } finally {
      await rm(copy, { force: true })
    }
    await rm(file, { force: true })
  }
}

/** Unlike a rename, a link never replaces what is there, whoever put it there a moment ago. */
const linkAbsent: Move = async (file, target) => {
  try {
    await link(file, target)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  await rm(file)
}

/** Files by fdatasync, which leaves times out; folders by fsync. */
async function sync(path: string): Promise<void> {
  const handle = await open(path)
  try {
    if ((await handle.stat()).isDirectory()) await handle.sync()
    else await handle.datasync()
  } finally {
    await handle.close()
  }
}

const hasCode = (error: unknown, ...codes: string[]) =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

function undefinedIfMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
  return undefined
}
