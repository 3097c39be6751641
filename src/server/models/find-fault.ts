import type { ModelFile } from '../../contract/run-report.ts'
import type { ArchiveEntry } from '../projects/index.ts'

/** An entry's path; packers may begin each with "./". */
export const pathOf = ({ name }: ArchiveEntry) => name.toString().replace(/^(\.\/)+/, '')

/** Why the entry under a listed file's path is not that file; undefined: it may be, as its digest will show. */
export function findFault(entry: ArchiveEntry, file: ModelFile): string | undefined {
  if (entry.fault) return `it ${entry.fault}`
  if (entry.kind !== 'file') return `it is ${entry.what ?? 'a folder'} there`
  return entry.sizeBytes === file.sizeBytes
    ? undefined
    : `it has ${entry.sizeBytes} bytes there, and ${file.sizeBytes} in the run report`
}
