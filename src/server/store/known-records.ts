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
 * record: whoever changes a job makes a new one. Rows that were not read for the longest time are forgotten beyond so
 * many characters of documents.
 */
export function knownRecords(mostCharacters: number): (id: string, row: Row) => JobRecord {
  const known = new Map<string, Known>()
  let characters = 0

  function forget(id: string): void {
    characters -= known.get(id)?.row.document.length ?? 0
    known.delete(id)
  }

  return (id, row) => {
    const before = known.get(id)
    const record = before && isSame(before.row, row) ? before.record : fromRow(row)
    forget(id)
    known.set(id, { row, record })
    characters += row.document.length
    for (const oldest of known.keys()) {
      if (characters <= mostCharacters) break
      forget(oldest)
    }
    return record
  }
}

const isSame = (one: Row, other: Row) =>
  one.version === other.version &&
  one.stop_requested_at === other.stop_requested_at &&
  one.document === other.document
