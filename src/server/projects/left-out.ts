/** What is not part of a project though archives are full of it: macOS's noise and the repository's history. */
import { plural } from './plural.ts'

const kinds = ['__MACOSX', '._*', '.DS_Store', '.git'] as const
export type LeftOutKind = (typeof kinds)[number]

/** The kind of what is left out, by the first name in the path that is of one; undefined for what stays. */
export function leftOutKind(path: string): LeftOutKind | undefined {
  for (const name of path.split('/')) {
    const kind = kindOfName(name)
    if (kind) {
      return kind
    }
  }
  return undefined
}

/** One warning for each kind. */
export const leftOutWarnings = (counts: ReadonlyMap<LeftOutKind, number>): string[] =>
  kinds.flatMap(kind => {
    const count = counts.get(kind)
    return count === undefined ? [] : [`left out: ${kind} (${plural(count, 'entry', 'entries')})`]
  })

/** `.git` in any case: on a disk that ignores case each is the repository. */
function kindOfName(name: string): LeftOutKind | undefined {
  if (name === '__MACOSX' || name === '.DS_Store') {
    return name
  }
  if (name.startsWith('._')) {
    return '._*'
  }
  return name.toLowerCase() === '.git' ? '.git' : undefined
}
