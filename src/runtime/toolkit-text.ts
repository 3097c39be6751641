/**
 * Values as sagemaker-training-toolkit writes them into variables. Numbers are kept as they were written (`1.0`, `1e-5`):
 * JSON.rawJSON carries their text.
 */

/** A JSON value, or the text itself where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value
    )
  } catch {
    return text
  }
}

/** A string as it is, null as nothing, the rest as JSON. */
export function toolkitText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : toolkitJson(value)
}

/** Python's json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=True). */
export function toolkitJson(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(byName)) : member
  ).replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A value as an argument of a command line: true as Python's True, an object as a=1,b=2. */
export function pythonArgument(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (isObject(value)) {
    return Object.entries(value)
      .map(([name, member]) => `${name}=${pythonArgument(member)}`)
      .join(',')
  }
  return toolkitText(value)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)

/** What JSON.rawJSON makes is frozen, what JSON.parse makes is not. */
const isRawNumber = (value: object) => 'rawJSON' in value && Object.isFrozen(value)

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)
