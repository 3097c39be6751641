/** Known secrets in texts become `***`. */

export interface Mask {
  /** From now on these are secrets, too: each line of them, and the forms that they have in JSON and in URIs. */
  add(secrets: readonly string[]): void
  text(text: string): string
  /** A JSON value with all its texts masked, but not the names of members. */
  deep<Value>(value: Value): Value
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
    secrets: () => known
  }
}

/** A key in several lines may be printed line by line, and an exception shows it on one. */
const formsOf = (secret: string): string[] =>
  secret
    .split(/[\r\n]+/)
    .flatMap(line => [line.trim(), JSON.stringify(line).slice(1, -1), inUri(line.trim())])
    .filter(form => form.length >= shortestSecret)

/** Half of a surrogate pair has no form there. */
function inUri(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : ''
}
