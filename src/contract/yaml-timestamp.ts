/** Python's date and datetime, as far as YAML's timestamps make them. */

interface Parts {
  year: number
  month: number
  day: number
  /** Absent: a date. */
  time?: { hour: number; minute: number; second: number; microsecond: number }
  /** Minutes east of UTC. */
  offset?: number
}

export class YamlTimestamp {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Python's `str()`. */
  toString(): string {
    const { year, month, day, time, offset } = this.#parts
    const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
    if (time === undefined) return date
    const fraction = time.microsecond === 0 ? '' : `.${pad(time.microsecond, 6)}`
    const zone = offset === undefined ? '' : zoneText(offset)
    return `${date} ${pad(time.hour)}:${pad(time.minute)}:${pad(time.second)}${fraction}${zone}`
  }

  /** Python's `repr()`. */
  toRepr(): string {
    const { year, month, day, time, offset } = this.#parts
    if (time === undefined) return `datetime.date(${year}, ${month}, ${day})`
    const { hour, minute, second, microsecond } = time
    const numbers = [year, month, day, hour, minute]
    if (second !== 0 || microsecond !== 0) numbers.push(second)
    if (microsecond !== 0) numbers.push(microsecond)
    const zone = offset === undefined ? '' : `, tzinfo=${zoneRepr(offset)}`
    return `datetime.datetime(${numbers.join(', ')}${zone})`
  }
}

/** Undefined where the text is no timestamp; null where it looks like one and no calendar has it. */
export function readTimestamp(text: string): YamlTimestamp | null | undefined {
  if (text.length > 64) return undefined
  const groups = timestamp.exec(text)?.groups
  if (groups === undefined) return undefined
  const number = (name: string) => Number(groups[name] ?? 0)
  const parts: Parts = { year: number('year'), month: number('month'), day: number('day') }
  if (groups.hour !== undefined) {
    const microsecond = Number((groups.fraction ?? '').slice(0, 6).padEnd(6, '0'))
    parts.time = {
      hour: number('hour'),
      minute: number('minute'),
      second: number('second'),
      microsecond
    }
  }
  if (groups.zone !== undefined) {
    const minutes = number('zoneHour') * 60 + number('zoneMinute')
    parts.offset = groups.sign === '-' ? 0 - minutes : minutes
  }
  return exists(parts) ? new YamlTimestamp(parts) : null
}

// PyYAML wants two digits of month and day where no time follows.
const timestamp =
  /^(?<year>\d{4})-(?<month>\d\d?)-(?<day>\d\d?)(?:(?<=^\d{4}-\d\d-\d\d)|(?:[Tt]|[ \t]+)(?<hour>\d\d?):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d*))?(?:[ \t]*(?<zone>Z|(?<sign>[-+])(?<zoneHour>\d\d?)(?::(?<zoneMinute>\d\d))?))?)$/

function exists({ year, month, day, time, offset }: Parts): boolean {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return false
  if (offset !== undefined && Math.abs(offset) >= 24 * 60) return false
  return time === undefined || (time.hour < 24 && time.minute < 60 && time.second < 60)
}

const pad = (number: number, width = 2) => String(number).padStart(width, '0')

function zoneText(offset: number): string {
  const minutes = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`
}

// A timedelta's seconds are never negative: what lies west is a day back and some seconds forward.
function zoneRepr(offset: number): string {
  if (offset === 0) return 'datetime.timezone.utc'
  const delta =
    offset < 0 ? `days=-1, seconds=${(offset + 24 * 60) * 60}` : `seconds=${offset * 60}`
  return `datetime.timezone(datetime.timedelta(${delta}))`
}
