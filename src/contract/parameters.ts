/**
 * Parameters as JSON tokens. A JavaScript number forgets how it was written (1.0, 1e-5, twenty digits), and a training
 * program is to get what the caller wrote: so a value is kept as the text of its JSON token, from the request to the program.
 */
import type { Fault } from './fault.ts'
import { repeatedNames } from './repeated-names.ts'

/** What MLflow and the shell behind it can take as a name. */
export const parameterName = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/** UTF-8 bytes of one value: Linux takes at most 128 KiB as one argument of a program. */
export const parameterLimitBytes = 100 * 1024

/** MLflow's limit for the key of a parameter. */
const nameLimit = 250

/** Parameters of one submission: more than any entry point has, and as many as may be told of at once. */
const countLimit = 1000

export interface ParsedParameters {
  /** name -> JSON token; strings are written anew, everything else is as it was written. Has no prototype. */
  tokens: Record<string, string>
  faults: Fault[]
}

/** Reads the raw JSON text of an object of scalars. Every fault is told; values that have one are left out. */
export function parseParameters(json: string): ParsedParameters {
  const tokens: Record<string, string> = Object.create(null)
  const faults: Fault[] = []
  const entries = parseEntries(json)
  if (typeof entries === 'string')
    return { tokens, faults: [{ pointer: '/parameters', detail: entries }] }
  if (entries.size > countLimit) {
    const detail = `${entries.size} parameters are given; at most ${countLimit} can be. Put them into a file of the project.`
    return { tokens, faults: [{ pointer: '/parameters', detail }] }
  }
  for (const [name, value] of entries) {
    const detail = nameFault(name) ?? valueFault(name, value)
    if (detail !== undefined) faults.push({ pointer: parameterPointer(name), detail })
    else tokens[name] = value.token ?? ''
  }
  for (const name of repeatedNames(json).slice(0, countLimit)) {
    const detail = `parameter ${JSON.stringify(name)} is given twice: give it once.`
    faults.push({ pointer: parameterPointer(name), detail })
  }
  return { tokens, faults }
}

/** What arrives in the program: a string decoded, anything else as it was written. */
export function tokenText(token: string): string {
  if (!token.startsWith('"')) return token
  const text: unknown = JSON.parse(token)
  return String(text)
}

/** The token of a text. U+0085, U+2028 and U+2029 are escaped: SageMaker's `.` takes them for line ends. */
export const textToken = (text: string) =>
  JSON.stringify(text).replace(
    /[\u0085\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )

/** Tokens as values that JSON.stringify writes exactly as they are. */
export function rawParameters(tokens: Record<string, string>): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null)
  for (const [name, token] of Object.entries(tokens)) values[name] = JSON.rawJSON(token)
  return values
}

/** Why MLflow cannot take this name; undefined where it can. */
export function nameFault(name: string): string | undefined {
  if (name.startsWith('sagemaker_')) {
    return `the name ${JSON.stringify(name.slice(0, nameLimit))} begins with "sagemaker_": such names are settings of the platform and never reach the program; rename the parameter.`
  }
  if (name.length > nameLimit) {
    return `the name ${JSON.stringify(`${name.slice(0, 60)}...`)} has ${name.length} characters; MLflow takes at most ${nameLimit}.`
  }
  if (parameterName.test(name)) return undefined
  return `the name ${JSON.stringify(name)} cannot be a parameter: names begin with a letter or "_" and go on with letters, digits, "_", "." and "-", since MLflow hands them to a shell.`
}

/** RFC 6901. */
export const parameterPointer = (name: string) => `/parameters/${escapePointer(name)}`

export const escapePointer = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

interface Entry {
  value: unknown
  token: string | undefined
}

function parseEntries(json: string): Map<string, Entry> | string {
  const wanted = 'they are a JSON object of scalars, such as {"alpha": 0.5}'
  // Only a reviver sees how a number was written, object by object.
  const sources = new Map<object, Map<string, string>>()
  let value: unknown
  try {
    value = JSON.parse(json, function (key, member, context) {
      if (context.source !== undefined) {
        const members = sources.get(this) ?? new Map<string, string>()
        sources.set(this, members.set(key, context.source))
      }
      return member
    })
  } catch (error) {
    if (error instanceof RangeError) return `parameters nest too deeply: ${wanted}.`
    return `parameters are no JSON (${error instanceof Error ? error.message : error}): ${wanted}.`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `parameters are ${kindOf(value)}: ${wanted}.`
  }
  const written = sources.get(value)
  return new Map(
    Object.entries(value).map(([name, member]) => [
      name,
      { value: member, token: typeof member === 'string' ? textToken(member) : written?.get(name) }
    ])
  )
}

function valueFault(name: string, { value, token }: Entry): string | undefined {
  if (value === null) {
    return `parameter ${JSON.stringify(name)} is null, which has no meaning for a program: leave it out to use the default, or send a string.`
  }
  if (typeof value === 'object') {
    return `parameter ${JSON.stringify(name)} is ${kindOf(value)}: a parameter is a string, a number or a boolean; send the text that the program parses.`
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) {
      return `parameter ${JSON.stringify(name)} holds a lone surrogate, which is no character and has no UTF-8 form.`
    }
    if (value.includes('\0')) {
      return `parameter ${JSON.stringify(name)} holds a NUL character, which no program can be given as an argument.`
    }
  }
  const bytes = Buffer.byteLength(typeof value === 'string' ? value : (token ?? ''))
  if (bytes > parameterLimitBytes) {
    return `parameter ${JSON.stringify(name)} is ${bytes} bytes long; at most ${parameterLimitBytes} can be given to a program. Put long values into a file of the project.`
  }
  return undefined
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

// ES2026, in Node 24 and not yet in the compiler's library.
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (this: object, key: string, value: unknown, context: { source?: string }) => unknown
    ): unknown
    rawJSON(text: string): unknown
  }
}
