/** What a scalar means to PyYAML (yaml/resolver.py and yaml/constructor.py of PyYAML 6: YAML 1.1 with its own rules). */
import { readTimestamp, type YamlTimestamp } from './yaml-timestamp.ts'

export type YamlScalar = string | bigint | number | boolean | null | YamlTimestamp

/** A clause that says why the scalar has no value. */
export class YamlScalarError extends Error {}

/** The value of a scalar: `plain` without quotes; `tag` only where one is written. */
export function resolveScalar(text: string, plain: boolean, tag: string | undefined): YamlScalar {
  if (tag === undefined) return plain ? resolvePlain(text) : text
  if (tag === '!' || tag === `${core}str`) return text
  const value = constructors.get(tag)?.(text)
  if (value !== undefined) return value
  const shown = JSON.stringify(text.slice(0, 40))
  throw new YamlScalarError(`the tag ${tag} is not supported for ${shown}`)
}

const core = 'tag:yaml.org,2002:'

// What a written tag makes of a text: undefined where it cannot.
const constructors = new Map<string, (text: string) => YamlScalar | undefined>([
  [`${core}null`, () => null],
  [`${core}bool`, text => (booleans.test(text) ? truths.test(text) : undefined)],
  [`${core}int`, text => (integers.test(text) ? readInteger(text) : undefined)],
  [
    `${core}float`,
    text => (floats.test(text) || integers.test(text) ? readFloat(text) : undefined)
  ],
  [`${core}timestamp`, text => readTimestamp(text) ?? undefined]
])

function resolvePlain(text: string): YamlScalar {
  if (nulls.test(text)) return null
  if (booleans.test(text)) return truths.test(text)
  if (text === '=' || text === '<<') {
    throw new YamlScalarError(`a lone "${text}" has no meaning here; quote it`)
  }
  if (!/^[-+.\d]/.test(text)) return text
  if (floats.test(text)) return readFloat(text)
  if (integers.test(text)) return readInteger(text)
  const timestamp = readTimestamp(text)
  if (timestamp === null) throw new YamlScalarError(`${text} is no date; quote it if it is text`)
  return timestamp ?? text
}

const nulls = /^(?:~|null|Null|NULL|)$/
const booleans = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/
const truths = /^(?:yes|true|on)$/i
const floats =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const integers =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/

function readFloat(text: string): number {
  const written = text.replaceAll('_', '').toLowerCase()
  const sign = written.startsWith('-') ? -1 : 1
  const digits = written.replace(/^[-+]/, '')
  if (digits === '.inf') return sign * Number.POSITIVE_INFINITY
  if (digits === '.nan') return Number.NaN
  if (!digits.includes(':')) return sign * Number(digits)
  // From the right, as PyYAML adds: floats keep the order.
  const add = (sum: number, part: string, power: number) => sum + Number(part) * 60 ** power
  return sign * digits.split(':').toReversed().reduce(add, 0)
}

// Python refuses to make numbers of more digits from text, and this bounds our own work, too.
const digitLimit = 4300

function readInteger(text: string): bigint {
  const written = text.replaceAll('_', '')
  const sign = written.startsWith('-') ? -1n : 1n
  const digits = written.replace(/^[-+]/, '')
  if (digits.length > digitLimit) {
    throw new YamlScalarError(`a number has more than ${digitLimit} digits; quote it if it is text`)
  }
  if (/^0[bx]$/.test(digits)) throw new YamlScalarError(`${text} is no number; quote it`)
  if (/^0[bx]/.test(digits) || digits === '0') return sign * BigInt(digits)
  if (digits.startsWith('0')) return sign * BigInt(`0o${digits}`)
  return sign * digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n)
}
