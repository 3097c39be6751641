/** Checks a request against the service's model, and says what is wrong in the service's words. */
import { ServiceError, validationError } from './service-error.ts'
import type { ServiceModel, Shape } from './service-model.ts'

/** Throws SerializationException or ValidationException; a request that passes has the type of `shapeName`. */
export function validateShape(model: ServiceModel, shapeName: string, value: unknown): void {
  const faults: string[] = []
  check({ model, faults }, shapeName, value, '')
  if (faults.length === 0) return
  const count = `${faults.length} validation error${faults.length > 1 ? 's' : ''} detected`
  throw validationError(`${count}: ${faults.join('; ')}`)
}

interface Context {
  model: ServiceModel
  faults: string[]
}

function check(context: Context, shapeName: string, value: unknown, path: string): void {
  const shape = context.model.shapes[shapeName]
  if (!shape) throw new Error(`The service's model has no shape ${shapeName}.`)
  refuseType(shape, value, path)
  for (const constraint of brokenConstraints(shape, value)) {
    const shown = typeof value === 'object' ? JSON.stringify(value) : String(value)
    context.faults.push(`Value '${shown}' at '${path}' failed to satisfy constraint: ${constraint}`)
  }
  if (shape.type === 'structure') checkMembers(context, shape, value as object, path)
  if (shape.type === 'list') {
    const { member } = shape
    for (const [index, item] of (value as unknown[]).entries())
      if (member) check(context, member.shape, item, `${path}.${index + 1}.member`)
  }
  if (shape.type === 'map') checkEntries(context, shape, value as object, path)
}

function checkMembers(context: Context, shape: Shape, value: object, path: string): void {
  const at = (name: string) => `${path && `${path}.`}${name[0]?.toLowerCase()}${name.slice(1)}`
  const given = new Map(Object.entries(value).filter(([, member]) => member !== null))
  for (const name of shape.required ?? [])
    if (!given.has(name))
      context.faults.push(
        `Value null at '${at(name)}' failed to satisfy constraint: Member must not be null`
      )
  for (const [name, member] of given) {
    const target = shape.members?.[name]
    // The service may overlook it; to a client that is tested it is a misspelled name.
    if (!target) throw serializationError(`Unknown member '${at(name)}'`)
    check(context, target.shape, member, at(name))
  }
}

/** The service names the map only, and lists all that its keys or values must satisfy. */
function checkEntries(context: Context, shape: Shape, value: object, path: string): void {
  for (const [key, member] of Object.entries(value)) {
    for (const [what, name, part] of [
      ['keys', shape.key?.shape ?? '', key],
      ['value', shape.value?.shape ?? '', member]
    ] as const) {
      const partShape = context.model.shapes[name]
      if (!partShape) throw new Error(`The service's model has no shape ${name}.`)
      refuseType(partShape, part, path)
      if (brokenConstraints(partShape, part).length === 0) continue
      const shown = `{${Object.entries(value).map(entry => entry.join('='))}}`
      context.faults.push(
        `Value '${shown}' at '${path}' failed to satisfy constraint: Map ${what} must satisfy constraint: [${constraintsOf(partShape).join(', ')}]`
      )
    }
  }
}

const wanted: Record<string, [name: string, is: (value: unknown) => boolean]> = {
  string: ['a String', value => typeof value === 'string'],
  boolean: ['a Boolean', value => typeof value === 'boolean'],
  integer: ['an Integer', value => Number.isInteger(value)],
  long: ['a Long', value => Number.isInteger(value)],
  float: ['a Float', value => typeof value === 'number'],
  double: ['a Double', value => typeof value === 'number'],
  timestamp: ['a Timestamp', value => typeof value === 'number'],
  list: ['a List', Array.isArray],
  map: ['a Map', isObject],
  structure: ['a Structure', isObject]
}

function refuseType(shape: Shape, value: unknown, path: string): void {
  const [name, is] = wanted[shape.type] ?? [shape.type, () => false]
  if (!is(value))
    throw serializationError(`${tokenOf(value)} can not be converted to ${name} at '${path}'`)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function tokenOf(value: unknown): string {
  if (typeof value === 'boolean' || value === null) return `${String(value).toUpperCase()}_VALUE`
  if (Array.isArray(value)) return 'START_ARRAY'
  return isObject(value) ? 'START_OBJECT' : `${(typeof value).toUpperCase()}_VALUE`
}

const serializationError = (message: string) => new ServiceError('SerializationException', message)

function brokenConstraints(shape: Shape, value: unknown): string[] {
  return constraints(shape).flatMap(([text, holds]) => (holds(value) ? [] : [text]))
}

const constraintsOf = (shape: Shape) => constraints(shape).map(([text]) => text)

type Constraint = [text: string, holds: (value: unknown) => boolean]

/** Of the shapes that were checked so far: their expressions are compiled once. */
const known = new WeakMap<Shape, Constraint[]>()

function constraints(shape: Shape): Constraint[] {
  const list = known.get(shape) ?? makeConstraints(shape)
  known.set(shape, list)
  return list
}

function makeConstraints(shape: Shape): Constraint[] {
  const { min, max, pattern, enum: words } = shape
  const isNumber = ['integer', 'long', 'float', 'double'].includes(shape.type)
  const member = isNumber ? 'Member must have value' : 'Member must have length'
  const list: Constraint[] = []
  if (max !== undefined)
    list.push([`${member} less than or equal to ${max}`, value => sizeOf(value) <= max])
  if (min !== undefined)
    list.push([`${member} greater than or equal to ${min}`, value => sizeOf(value) >= min])
  if (pattern !== undefined) {
    const expression = new RegExp(`^(?:${toJavaScript(pattern)})$`, 'u')
    const text = `Member must satisfy regular expression pattern: ${pattern}`
    list.push([text, value => expression.test(String(value))])
  }
  if (words)
    list.push([
      `Member must satisfy enum value set: [${words.join(', ')}]`,
      value => words.includes(String(value))
    ])
  return list
}

/** A text's length is counted in characters, not in the halves of a surrogate pair. */
function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string' || Array.isArray(value)) return [...value].length
  return Object.keys(value as object).length
}

/** The models hold Java's regular expressions; of what JavaScript lacks they use only POSIX's classes. */
const toJavaScript = (pattern: string) => pattern.replaceAll('\\p{Alnum}', 'A-Za-z0-9')
