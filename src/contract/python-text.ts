/** The text that Python's `str()` makes of a value from YAML: what MLflow puts on the command line for a default. */
import type { YamlValue } from './yaml.ts'
import { YamlTimestamp } from './yaml-timestamp.ts'

/** Characters of one text: lists that share their items could otherwise grow without bound. */
export const pythonTextLimit = 100 * 1024

/** `str()` of the value; undefined where the text would be longer than the limit. */
export function pythonText(value: YamlValue): string | undefined {
  if (typeof value === 'string') return value.length > pythonTextLimit ? undefined : value
  if (value instanceof YamlTimestamp) return value.toString()
  const budget = { left: pythonTextLimit }
  const text = repr(value, budget)
  return budget.left < 0 ? undefined : text
}

/** `repr()` of a float: the shortest digits as in JavaScript, with another border for exponents. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const digits = mantissa.replace('.', '')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    const size = String(Math.abs(power)).padStart(2, '0')
    return `${sign}${mantissa}e${power < 0 ? '-' : '+'}${size}`
  }
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0')
  return `${sign}${whole}.${digits.slice(power + 1) || '0'}`
}

function repr(value: YamlValue, budget: { left: number }): string {
  if (budget.left < 0) return ''
  const text = container(value, budget) ?? scalar(value)
  budget.left -= text.length
  return text
}

function container(value: YamlValue, budget: { left: number }): string | undefined {
  if (Array.isArray(value)) return `[${joinAll(value, item => repr(item, budget), budget)}]`
  if (!(value instanceof Map)) return undefined
  const pair = ([key, item]: [YamlValue, YamlValue]) =>
    `${repr(key, budget)}: ${repr(item, budget)}`
  return `{${joinAll(value, pair, budget)}}`
}

function joinAll<T>(items: Iterable<T>, write: (item: T) => string, budget: { left: number }) {
  const texts: string[] = []
  for (const item of items) {
    if (budget.left < 0) break
    texts.push(write(item))
  }
  return texts.join(', ')
}

function scalar(value: YamlValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return floatText(value)
  if (typeof value === 'string') return stringRepr(value)
  return value instanceof YamlTimestamp ? value.toRepr() : String(value)
}

// What is printable is for the edition of Unicode to say: a character newer than Python's own is escaped there only.
function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/['\\]|[\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu, character => {
    if (character === ' ') return character
    if (character === '\\') return '\\\\'
    if (character === "'") return quote === "'" ? "\\'" : "'"
    return named.get(character) ?? numbered(character.codePointAt(0) ?? 0)
  })
  return quote + escaped + quote
}

const named: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t']
])

function numbered(code: number): string {
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
