/** Known secrets in texts become `***`. */

export interface Mask {
  /** From now on these are secrets, too: each line of them, and the forms that they have in JSON and in URIs. */
  add(secrets: readonly string[]): void
  text(text: string): string
  /** A JSON value with all its texts masked, but not the names of members. */
  deep<Value>(value: Value): Value
  /** The names of a record's members masked; of two that are the same then, the last one stays. */
  names<Value>(record: Record<string, Value>): Record<string, Value>
  /** What is looked for, longest first. */
  secrets(): readonly string[]
}

export const hidden = '***'

/** What is shorter occurs by chance: `true` may be a value, and not everywhere is a secret. */
export const shortestSecret = 6

/** Of what only its name tells: words such as `default` are values of such variables. */
export const shortestGuess = 8

export function createMask(secrets: readonly string[] = []): Mask {
  let known: readonly string[] = []
  let pattern: RegExp | undefined

  function add(more: readonly string[]): void {
    known = [...new Set([...known, ...more.flatMap(formsOf)])].sort((a, b) => b.length - a.length)
    pattern = known.length > 0 ? new RegExp(known.map(RegExp.escape).join('|'), 'g') : undefined
  }

  const text = (given: string) => (pattern ? given.replace(pattern, hidden) : given)

  function deep(value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(deep)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, deep(member)]))
  }

  add(secrets)
  return {
    add,
    text,
    deep: <Value>(value: Value) => (pattern ? (deep(value) as Value) : value),
    names: record =>
      Object.fromEntries(Object.entries(record).map(([name, member]) => [text(name), member])),
    secrets: () => known
  }
}

/** A key in several lines may be printed line by line, and an exception shows it on one. */
const formsOf = (secret: string): string[] =>
  secret
    .split(/[\r\n]+/)
    .flatMap(line => [line.trim(), ...jsonForms(line), ...uriForms(line.trim())])
    .filter(form => form.length >= shortestSecret)

/** JavaScript leaves letters as they are, Python's `json.dumps` writes ASCII alone, and some escape the slash. */
function jsonForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
  return [json, ascii, json.replaceAll('/', '\\/')]
}

/** As JavaScript, Python's `quote` (which leaves the slash, unless told otherwise) and forms write it. */
function uriForms(text: string): string[] {
  // Half of a surrogate pair has no form there.
  if (!text.isWellFormed()) return []
  const uri = encodeURIComponent(text)
  const quoted = uri.replace(
    /[!'()*]/g,
    mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return [uri, quoted].flatMap(form => {
    const path = form.replaceAll('%2F', '/')
    return [form, path, form.replaceAll('%20', '+'), path.replaceAll('%20', '+')]
  })
}
