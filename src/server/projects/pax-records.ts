import { UnreadableArchive } from './archive-entry.ts'

/**
 * The records of a PAX extended header, `<length> <key>=<value>\n` each, where the length counts itself
 * (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "pax Extended Header").
 * Values are bytes: they may hold newlines. Throws UnreadableArchive where the records do not fit.
 */
export function readPaxRecords(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let start = 0; start < data.length; ) {
    const digits = /^([1-9]\d{0,9}) /.exec(data.toString('latin1', start, start + 11))?.[1]
    const end = start + Number(digits)
    const equals = data.indexOf('=', start)
    const isWhole = end <= data.length && data[end - 1] === 0x0a && equals >= 0 && equals < end
    if (digits === undefined || !isWhole) {
      throw new UnreadableArchive('an extended header has a record of a wrong length')
    }
    const key = data.toString('utf8', start + digits.length + 1, equals)
    if (!/^[^\p{Cc}]+$/u.test(key)) {
      throw new UnreadableArchive('an extended header has a record without a key')
    }
    if (records.has(key)) {
      throw new UnreadableArchive(`an extended header says twice what "${key}" is`)
    }
    records.set(key, data.subarray(equals + 1, end - 1))
    start = end
  }
  return records
}
