/** Where pyenv is, its Pythons are not found on the PATH: what it puts there are stand-ins that run the chosen version only. */
import { readdir } from 'node:fs/promises'
import { basename, delimiter, dirname, join } from 'node:path'

/** The PATH with the folders of all that pyenv has installed at its end. */
export async function withPyenvVersions(path: string): Promise<string> {
  const folders = path.split(delimiter)
  for (const shims of folders.filter(folder => basename(folder) === 'shims')) {
    const versions = join(dirname(shims), 'versions')
    const names = await readdir(versions).catch(() => [])
    folders.push(...names.toSorted().map(name => join(versions, name, 'bin')))
  }
  return folders.join(delimiter)
}
