/** Types of parameters: what the word in an MLproject file means, and which texts fit it. */
import type { ParameterType } from './project.ts'

/** What a declared type means. MLflow documents string, float, path and uri, takes any word, and checks path and uri only. */
export function parameterType(declared: string): { type: ParameterType; documented: boolean } {
  const type = documented.get(declared)
  if (type !== undefined) return { type, documented: true }
  return { type: meanings.get(declared.trim().toLowerCase()) ?? 'string', documented: false }
}

/** What would fit the type, where the text does not; undefined where it does. */
export function misfit(type: ParameterType, text: string): string | undefined {
  if (text.length > numberLimit && isNumber(type)) return 'a number of a sane length'
  if (type === 'float') return pythonFloat.test(text) ? undefined : 'a number, such as 0.5 or 1e-5'
  if (type === 'int') return pythonInteger.test(text) ? undefined : 'a whole number, such as 10'
  if (type === 'boolean') return truth.test(text) ? undefined : 'true or false'
  if (type === 'uri') return isUri(text) ? undefined : 'a URI, such as s3://bucket/key'
  return undefined
}

/** MLflow's data_utils.is_uri: Python's urlparse finds a scheme. */
export function isUri(text: string): boolean {
  return uriScheme(text) !== ''
}

/** The scheme in lower case, or ''. Like urlparse, which first drops control characters and blanks at the start, and line ends and tabs anywhere. */
export function uriScheme(text: string): string {
  const url = text.replace(leadingControls, '').replace(/[\t\r\n]/g, '')
  return /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
}

const documented: ReadonlyMap<string, ParameterType> = new Map([
  ['string', 'string'],
  ['float', 'float'],
  ['int', 'int'],
  ['path', 'path'],
  ['uri', 'uri']
])

const meanings: ReadonlyMap<string, ParameterType> = new Map([
  ['float', 'float'],
  ['float32', 'float'],
  ['float64', 'float'],
  ['double', 'float'],
  ['number', 'float'],
  ['numeric', 'float'],
  ['int', 'int'],
  ['int32', 'int'],
  ['int64', 'int'],
  ['integer', 'int'],
  ['long', 'int'],
  ['bool', 'boolean'],
  ['boolean', 'boolean']
])

/** Characters of a number: Python's int() refuses more digits. */
export const numberLimit = 4300

const isNumber = (type: ParameterType) => type === 'float' || type === 'int'

// Python's float(): blanks around, one "_" between digits. Its digits of other scripts are left out: nobody means them.
const pythonFloat =
  /^\s*[-+]?(?:(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?|inf(?:inity)?|nan)\s*$/i

const pythonInteger = /^\s*[-+]?\d+(?:_\d+)*\s*$/

// Whatever parsers of truth values commonly take.
const truth = /^\s*(?:true|false|yes|no|on|off|y|n|t|f|1|0)\s*$/i

const leadingControls = /^[\0-\x20]+/
