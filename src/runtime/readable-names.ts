/** Names of files that are not UTF-8: neither JSON nor our archives can carry them. */
import { readdir, rename } from 'node:fs/promises'
import { join, relative } from 'node:path'

type Warn = (text: string) => void

/** The names in the folder, after those that cannot be read were changed; none where there is no folder. */
export async function readableNames(folder: string, root: string, warn: Warn): Promise<string[]> {
  const names = await readdir(folder, { encoding: 'buffer' }).catch(() => [])
  return Promise.all(
    names.map(async bytes => {
      const name = readable(bytes)
      if (bytes.equals(Buffer.from(name))) return name
      const path = join(folder, name)
      await rename(Buffer.concat([Buffer.from(`${folder}/`), bytes]), path)
      warn(`The name of a file was not UTF-8 and was changed: it is ${relative(root, path)} now.`)
      return name
    })
  )
}

/** Changes them in the folder and in all below it. */
export async function makeNamesReadable(root: string, warn: Warn, folder = root): Promise<void> {
  await readableNames(folder, root, warn)
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await makeNamesReadable(root, warn, join(folder, entry.name))
}

/** The byte E8, say, becomes %E8. */
function readable(name: Buffer): string {
  const text = name.toString('utf8')
  if (name.equals(Buffer.from(text))) return text
  return name
    .toString('latin1')
    .replace(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}
