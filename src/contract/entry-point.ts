/** The entry points of an MLproject file. */
import { readCommand } from './command.ts'
import { misfit, parameterType } from './parameter-type.ts'
import { nameFault, textToken, tokenText } from './parameters.ts'
import type { EntryPoint, Parameter } from './project.ts'
import { pythonText } from './python-text.ts'
import type { YamlMap, YamlReading, YamlValue } from './yaml.ts'

export interface EntryPointsReading {
  entryPoints: Record<string, EntryPoint>
  /** Clauses without the file's name. */
  faults: string[]
  warnings: string[]
}

/** Reads the value of `entry_points`. What MLflow cannot load is a fault, what it cannot run a warning. */
export function readEntryPoints(
  project: YamlMap,
  lineOf: YamlReading['lineOf']
): EntryPointsReading {
  const reading: EntryPointsReading = { entryPoints: Object.create(null), faults: [], warnings: [] }
  if (!project.has('entry_points')) return reading
  const map = project.get('entry_points')
  if (!(map instanceof Map)) {
    reading.faults.push(`"entry_points" is ${kindOf(map)} and is to be a map of entry points`)
    return reading
  }
  const strange = new Map<string, string[]>()
  for (const [key, value] of map) {
    const name = String(pythonText(key))
    const at = place(`entry point "${name}"`, lineOf(map, key))
    if (typeof key !== 'string') {
      reading.warnings.push(
        `${at} can never be named, since YAML reads its name as no text: quote it.`
      )
    } else if (value instanceof Map) {
      reading.entryPoints[name] = readEntryPoint(name, at, value, lineOf, reading, strange)
    } else {
      reading.faults.push(`${at} is ${kindOf(value)} and is to be a map with a "command"`)
    }
  }
  for (const [type, names] of strange) {
    const { type: meaning } = parameterType(type)
    reading.warnings.push(
      `the type ${JSON.stringify(type)} of ${listed(names)} is none that MLflow documents; taken as ${meaning}.`
    )
  }
  return reading
}

function readEntryPoint(
  name: string,
  at: string,
  map: YamlMap,
  lineOf: YamlReading['lineOf'],
  reading: EntryPointsReading,
  strange: Map<string, string[]>
): EntryPoint {
  const parameters: Record<string, Parameter> = Object.create(null)
  const declared = map.has('parameters') ? map.get('parameters') : new Map()
  if (declared instanceof Map) {
    for (const [key, value] of declared) {
      const parameter = readParameter(key, value, lineOf(declared, key), at, reading, strange)
      if (parameter !== undefined) parameters[parameter.name] = parameter
    }
  } else {
    reading.faults.push(
      `${at}: "parameters" is ${kindOf(declared)} and is to be a map; leave it out where there are none`
    )
  }
  const command = map.get('command')
  const entryPoint = {
    name,
    parameters,
    command: typeof command === 'string' ? command : '',
    declared: true
  }
  for (const fault of commandFaults(entryPoint))
    reading.warnings.push(`${at} cannot run: ${fault}.`)
  return entryPoint
}

/** Why this entry point can never run, as clauses. */
export function commandFaults(entryPoint: EntryPoint): string[] {
  if (entryPoint.command.trim() === '') return ['it has no command']
  const { faults } = readCommand(entryPoint.command, new Set(Object.keys(entryPoint.parameters)))
  return faults.map(fault => `its command cannot be filled in, for ${fault}`)
}

function readParameter(
  key: YamlValue,
  value: YamlValue,
  line: number | undefined,
  entryPoint: string,
  reading: EntryPointsReading,
  strange: Map<string, string[]>
): Parameter | undefined {
  const name = String(pythonText(key))
  const at = `${entryPoint}: ${place(`parameter "${name}"`, line)}`
  if (typeof value !== 'string' && !(value instanceof Map)) {
    reading.faults.push(
      `${at} is ${kindOf(value)} and is to be a type, or a map with "type" and "default"`
    )
    return undefined
  }
  const detail =
    typeof key === 'string' ? nameFault(name) : 'YAML reads the name as no text; quote it.'
  if (detail !== undefined) reading.warnings.push(`${at} can never be given: ${detail}`)
  const declaredType = typeof value === 'string' ? value : writtenType(value)
  const { type, documented } = parameterType(declaredType)
  if (!documented) strange.set(declaredType, [...(strange.get(declaredType) ?? []), name])
  const parameter: Parameter = { name, type, declaredType }
  if (value instanceof Map) {
    const description = value.get('description')
    if (typeof description === 'string') parameter.description = description
    readDefault(parameter, value.get('default') ?? null, at, reading)
    for (const word of unknownWords(value)) {
      reading.warnings.push(
        `${at}: ${JSON.stringify(word)} lacks a blank behind the colon, and MLflow ignores it.`
      )
    }
  }
  return parameter
}

// What MLflow cannot use is no default: such a parameter has to be given.
function readDefault(
  parameter: Parameter,
  value: YamlValue,
  at: string,
  reading: EntryPointsReading
): void {
  if (value === null) return
  const text = pythonText(value)
  if (text === undefined) {
    reading.faults.push(`${at}: the default is too long`)
    return
  }
  const token =
    typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
      ? text
      : textToken(text)
  const wanted = misfit(parameter.type, text)
  const isLocated = parameter.type === 'path' || parameter.type === 'uri'
  if (isLocated && typeof value !== 'string') {
    reading.warnings.push(
      `${at}: YAML reads the default ${text} as no text, and MLflow fails with it: quote it.`
    )
  } else if (wanted !== undefined) {
    const consequence = isLocated ? ', and MLflow refuses it' : ''
    reading.warnings.push(
      `${at}: the default ${JSON.stringify(text)} is not ${wanted}${consequence}.`
    )
    if (!isLocated) parameter.default = token
  } else {
    parameter.default = token
  }
}

/** The text of a default. */
export const defaultText = ({ default: token }: Parameter) =>
  token === undefined ? undefined : tokenText(token)

function writtenType(map: YamlMap): string {
  const type = map.has('type') ? map.get('type') : 'string'
  return String(pythonText(type ?? null))
}

const unknownWords = (map: YamlMap) =>
  [...map.keys()].filter(key => typeof key === 'string' && /^(?:type|default)\s*[:\s]/.test(key))

const place = (what: string, line: number | undefined) =>
  line === undefined ? what : `${what} (line ${line})`

function listed(names: string[]): string {
  const shown = names.slice(0, 10).map(name => `"${name}"`)
  const rest = names.length - shown.length
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function kindOf(value: YamlValue | undefined): string {
  if (value === null || value === undefined) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return value instanceof Map ? 'a map' : JSON.stringify(pythonText(value)?.slice(0, 40))
}
