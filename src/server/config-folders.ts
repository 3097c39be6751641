/**
 * What local jobs may write must be apart from what callers may name: between the look at a path and its use a job could
 * put a link in its place, which leads to what is another's.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

type Given = Record<string, string | undefined>

export function faultsOfFolders(given: Given): string[] {
  const { LOCAL_WRITABLE = '', BACKEND = 'local' } = given
  if (BACKEND !== 'local') return []
  const writable = LOCAL_WRITABLE.split(':').filter(isAbsolute)
  return ['INPUT_ROOTS', 'SECRET_ROOTS'].flatMap(name =>
    (given[name] ?? '')
      .split(',')
      .map(root => root.trim())
      .filter(isAbsolute)
      .flatMap(root =>
        writable
          .filter(folder => overlap(real(folder), real(root)))
          .map(
            folder =>
              `LOCAL_WRITABLE has ${JSON.stringify(folder)} and ${name} ${JSON.stringify(root)}: a job could put a link to what it may not read there. They must be folders apart, none of them in the other.`
          )
      )
  )
}

const isAbsolute = (path: string) => path.startsWith('/')

/** One is the other, or is in it; `{tenant}` may be any name. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  const shorter = a.length < b.length ? a : b
  return shorter.every((_, n) => mayBe(a[n] ?? '', b[n] ?? ''))
}

const partsOf = (path: string) => path.split('/').filter(Boolean)

function mayBe(name: string, pattern: string): boolean {
  if (!pattern.includes('{tenant}')) return name === pattern
  return new RegExp(`^${pattern.split('{tenant}').map(RegExp.escape).join('.+')}$`).test(name)
}

/** Without links, as far as it is there. */
function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const above = dirname(resolve(path))
    return above === path ? path : join(real(above), basename(path))
  }
}
