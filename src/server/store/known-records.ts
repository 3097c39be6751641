/** Records of rows that were read lately. */
import type { JobRecord } from '../jobs/job.ts'
import { fromRow, type Row } from './job-row.ts'

interface Known {
  row: Row
  record: JobRecord
}

/**
 * Answers the record of a row. One that is read again exactly as it was has the very same record: it is not parsed
 * anew, and what was made of it holds. Only the row decides, so whatever anybody changes is seen at once. Many share a
 * record: whoever changes a job makes a new one. Beyond so many characters of documents, the ones that have been known for
 * the longest time are forgotten.
 */
export function knownRecords(mostCharacters: number): (id: string, row: Row) => JobRecord {
  const known = new Map<string, Known>()
  let characters = 0

  function forget(id: string): void {
    characters -= known.get(id)?.row.document.length ?? 0
    known.delete(id)
  }

  function keep(id: string, row: Row): JobRecord {
    const record = fromRow(row)
    forget(id)
    known.set(id, { row, record })
    characters += row.document.length
    for (const oldest of known.keys()) {
      if (characters <= mostCharacters) break
      forget(oldest)
    }
    return record
  }

  return (id, row) => {
    const before = known.get(id)
    return before && isSame(before.row, row) ? before.record : keep(id, row)
  }
}

const isSame = (one: Row, other: Row) =>
  one.version === other.version &&
  one.stop_requested_at === other.stop_requested_at &&
  one.document === other.document
