/** Input channels as the container has them: a folder each, below input/data. The data is linked to, not copied. */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Input } from './input-data.ts'
import type { JobFolder } from './job-folder.ts'

/** Of a file, the channel's folder has a link by its name, as SageMaker puts a single object into one. */
export async function linkInputs({ tree }: JobFolder, inputs: Map<string, Input>): Promise<void> {
  for (const [channel, { path, isFolder }] of inputs) {
    const place = join(tree.inputData, channel)
    if (!isFolder) await mkdir(place, { recursive: true })
    await putLink(path, isFolder ? place : join(place, basename(path)))
  }
}

/** In the place of an earlier one. */
async function putLink(target: string, place: string): Promise<void> {
  const fresh = `${place}.${randomUUID()}`
  await symlink(target, fresh)
  await rename(fresh, place)
}
