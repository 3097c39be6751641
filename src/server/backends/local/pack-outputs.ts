/** model.tar.gz and output.tar.gz as SageMaker makes them; an empty folder leaves no archive, nor does one that fails. */
import type { Stats } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { create } from 'tar'
import type { JobFolder } from './job-folder.ts'
import { listSmallFirst } from './list-small-first.ts'
import { isInPlace } from './real-path.ts'

export async function packOutputs({
  path,
  tree,
  modelArchive,
  outputArchive
}: JobFolder): Promise<void> {
  const packed = await Promise.allSettled([
    packFolder(tree.model, modelArchive, path),
    packFolder(tree.outputData, outputArchive, path)
  ])
  for (const each of packed) if (each.status === 'rejected') throw each.reason
}

async function packFolder(folder: string, file: string, root: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.length === 0) return
  try {
    if (!isInPlace(folder, root)) throw new Error(`${relative(root, folder)} is a link`)
    // "./" keeps a name that begins with @ from being read as an archive to include.
    const paths = (await listSmallFirst(folder)).map(path => `./${path}`)
    await create(
      {
        cwd: folder,
        file,
        noDirRecurse: true,
        gzip: { level: 1 },
        portable: true,
        linkCache: new NoLinks(),
        // Of FIFOs, sockets and devices node-tar makes nothing, and at times it never ends then.
        filter: (_path, stat) => !('isFIFO' in stat) || isPackable(stat),
        // A job writes for its own user alone; who unpacks the archive is to read it as another.
        onWriteEntry: ({ stat }) => {
          if (stat) stat.mode |= stat.mode & 0o100 ? 0o555 : 0o444
        }
      },
      paths
    )
    await sync(file)
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

/**
 * A file of several names is packed under each of them. With links among its entries, node-tar 7.5.23 closes its gzip twice at
 * times, and throws where nobody can catch it.
 */
class NoLinks extends Map<`${number}:${number}`, string> {
  override set(): this {
    return this
  }
}

/** exit.json promises that the archives are whole, after a crash of the machine as well. */
async function sync(file: string): Promise<void> {
  const handle = await open(file)
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

const isPackable = (stat: Stats) => stat.isFile() || stat.isDirectory() || stat.isSymbolicLink()
