/** The fields of a submission beside its archive: texts as they came become values, or faults. */
import type { TObject, TSchema, Type } from 'typebox'
import Value from 'typebox/value'
import { codeChannel } from '../../contract/container.ts'
import { type Fault, pointerTo } from '../../contract/fault.ts'
import { jsonProblem } from '../../contract/json-problem.ts'
import { didYouMean } from '../../contract/nearest.ts'
import { parseParameters } from '../../contract/parameters.ts'
import { repeatedNames } from '../../contract/repeated-names.ts'
import { isTagKey, isTagValue, mostTags } from '../../contract/tags.ts'
import { Resources } from '../backends/index.ts'
import { MalformedRequest } from '../errors.ts'
import { checkEnvironment, fittingVariables } from './check-environment.ts'
import type { RecordedEnvironment } from './environment.ts'
import { mostMembers } from './field-limits.ts'
import { RunOptions } from './job.ts'

export const fieldNames = [
  'path',
  'parameters',
  'entryPoint',
  'name',
  'run',
  'environment',
  'resources',
  'inputs',
  'tags'
] as const

/** As they came: JSON is not parsed yet, so that numbers keep their digits. */
export type FieldTexts = Map<string, string>

export interface Fields {
  path?: string
  /** name -> JSON token */
  parameters: Record<string, string>
  entryPoint: string
  name: string | null
  run: RunOptions
  environment: RecordedEnvironment
  resources: Resources
  /** Input channel -> URI. */
  inputs: Record<string, string>
  tags: Record<string, string>
}

const jsonFields = ['parameters', 'run', 'environment', 'resources', 'inputs', 'tags'] as const
type JsonField = (typeof jsonFields)[number]

export interface CheckedFields {
  fields: Fields
  faults: Fault[]
}

/** Whether the field's text is JSON. */
export const isJsonField = (name: string): boolean => jsonFields.some(field => field === name)

/**
 * Throws MALFORMED_REQUEST that names every field that is no JSON; answers every other fault, and the fields without
 * the values that are not of their type, so that all that remains can be checked.
 */
export function checkFields(texts: FieldTexts): CheckedFields {
  const faults: Fault[] = [...unknownFields(texts)]
  const values = parseFields(texts)
  const parameters = parseParameters(textOf(texts, 'parameters'))
  const run = objectOf('run', values.run, faults)
  const environment = objectOf('environment', values.environment, faults)
  const resources = objectOf('resources', values.resources, faults)
  const inputs = objectOf('inputs', values.inputs, faults)
  const tags = objectOf('tags', values.tags, faults)
  const name = texts.get('name')
  faults.push(
    ...parameters.faults,
    ...checkRepeated(texts),
    ...checkRun(run),
    ...checkEnvironment(environment),
    ...checkMembers('resources', Resources, resources),
    ...checkInputs(inputs),
    ...checkTags(tags),
    ...checkName(name)
  )
  const path = texts.get('path')
  return {
    faults,
    fields: {
      ...(path === undefined ? {} : { path }),
      parameters: parameters.tokens,
      entryPoint: texts.get('entryPoint') || 'main',
      name: name ?? null,
      run: fitting(RunOptions, run),
      environment: fittingVariables(environment),
      resources: fitting(Resources, resources),
      inputs: withoutFaults(inputs),
      tags: onlyTexts(tags)
    }
  }
}

const suggestion = (name: string, known: readonly string[]) =>
  didYouMean(name, known, `; there are ${known.join(', ')}.`)

const unknownFields = (texts: FieldTexts): Fault[] =>
  [...texts.keys()]
    .filter(name => !['project', ...fieldNames].includes(name))
    .map(name => ({
      pointer: pointerTo(name),
      detail: `There is no field "${name}"${suggestion(name, ['project', ...fieldNames])}`
    }))

const textOf = (texts: FieldTexts, field: JsonField) => texts.get(field)?.trim() || '{}'

function parseFields(texts: FieldTexts): Record<JsonField, unknown> {
  const values = {} as Record<JsonField, unknown>
  const malformed: string[] = []
  for (const field of jsonFields)
    try {
      values[field] = JSON.parse(textOf(texts, field))
    } catch (error) {
      malformed.push(`The field "${field}" is not JSON: ${jsonProblem(error)}.`)
    }
  if (malformed.length > 0) throw new MalformedRequest(malformed.join(' '))
  return values
}

/** Of parameters this is told where they are parsed. */
const checkRepeated = (texts: FieldTexts): Fault[] =>
  jsonFields
    .filter(field => field !== 'parameters')
    .flatMap(field =>
      repeatedNames(textOf(texts, field))
        .slice(0, mostMembers)
        .map(name => ({
          pointer: pointerTo(field, name),
          detail: `${JSON.stringify(name)} is given twice: give it once.`
        }))
    )

/** {} where it is none or too large, with a fault, so that everything else is checked all the same. */
function objectOf(field: JsonField, value: unknown, faults: Fault[]): Record<string, unknown> {
  const detail = objectFault(field, value)
  if (detail === undefined) return value as Record<string, unknown>
  faults.push({ pointer: pointerTo(field), detail })
  return {}
}

function objectFault(field: JsonField, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `The field "${field}" must be a JSON object such as {}.`
  const { length } = Object.keys(value)
  return length > mostMembers
    ? `The field "${field}" has ${length} members; at most ${mostMembers} are possible.`
    : undefined
}

function checkRun(run: Record<string, unknown>): Fault[] {
  const faults = checkMembers('run', RunOptions, run)
  for (const name of ['experimentName', 'runName'])
    if (typeof run[name] === 'string' && /[\p{Cc}\p{Cs}]/u.test(run[name]))
      faults.push({ pointer: pointerTo('run', name), detail: `${name} has no control characters.` })
  if (run.experimentName !== undefined && run.experimentId !== undefined)
    faults.push({
      pointer: '/run/experimentId',
      detail: 'Give experimentName or experimentId, not both.'
    })
  return faults
}

type Members = Record<string, TSchema>

/** Each member on its own: unknown ones with the nearest known name, and values that do not fit. */
function checkMembers(
  field: JsonField,
  { properties }: { properties: Members },
  value: Record<string, unknown>
): Fault[] {
  const known = Object.keys(properties)
  return Object.entries(value).flatMap(([name, member]) => {
    const pointer = pointerTo(field, name)
    const schema = properties[name]
    if (!Object.hasOwn(properties, name) || !schema)
      return [
        { pointer, detail: `There is no member "${name}" of ${field}${suggestion(name, known)}` }
      ]
    const [error] = Value.Errors(schema, member)
    return error ? [{ pointer, detail: `${name} ${wanted(error, schema)}.` }] : []
  })
}

const fitting = <Schema extends TObject>(schema: Schema, value: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(value).filter(([name, member]) => {
      const property = schema.properties[name]
      return property && Value.Check(property, member)
    })
  ) as Type.Static<Schema>

const onlyTexts = (value: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  )

interface Bounds {
  minimum?: number
  maximum?: number
  enum?: string[]
}

/** What is allowed: the checker's own words name no values, and kinds as programs do. */
function wanted(error: ReturnType<typeof Value.Errors>[number], schema: TSchema): string {
  const { minimum, maximum, enum: words } = schema as Bounds
  if (minimum !== undefined) return `must be a whole number from ${minimum} to ${maximum}`
  if (words) return `must be one of ${words.join(', ')}`
  if (error.keyword === 'type')
    return error.params.type === 'string' ? 'must be text' : 'must be true or false'
  if (error.keyword === 'pattern') return 'has 1 to 64 letters, digits, "_" and "-"'
  return error.message
}

function checkInputs(inputs: Record<string, unknown>): Fault[] {
  return Object.entries(inputs).flatMap(([channel, uri]) => {
    const detail = inputFault(channel, uri)
    return detail === undefined ? [] : [{ pointer: pointerTo('inputs', channel), detail }]
  })
}

function inputFault(channel: string, uri: unknown): string | undefined {
  if (channel === codeChannel)
    return `The channel "${codeChannel}" holds the project; choose another name.`
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(channel) || /^\.\.?$/.test(channel))
    return 'A channel’s name has 1 to 64 letters, digits, ".", "_" and "-", and is neither "." nor "..".'
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/./i.test(uri))
    return 'A channel’s value is the URI of its data, such as s3://bucket/folder/, or file:///folder/.'
  return undefined
}

/** The backend is asked about the others only, so that nothing is told twice. */
const withoutFaults = (inputs: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(onlyTexts(inputs)).filter(([channel, uri]) => !inputFault(channel, uri))
  )

function checkTags(tags: Record<string, unknown>): Fault[] {
  const faults: Fault[] = []
  if (Object.keys(tags).length > mostTags)
    faults.push({ pointer: '/tags', detail: `At most ${mostTags} tags are possible.` })
  for (const [key, value] of Object.entries(tags)) {
    const at = pointerTo('tags', key)
    if (!isTagKey(key))
      faults.push({
        pointer: at,
        detail: 'A tag’s key has 1 to 128 letters, digits, spaces and _.:/=+-@.'
      })
    if (typeof value !== 'string' || !isTagValue(value))
      faults.push({
        pointer: at,
        detail: 'A tag’s value is a string of at most 256 letters, digits, spaces and _.:/=+-@.'
      })
  }
  return faults
}

function checkName(name: string | undefined): Fault[] {
  if (name === undefined || /^[^\p{Cc}\p{Cs}]{1,128}$/u.test(name)) return []
  return [{ pointer: '/name', detail: 'A name has 1 to 128 characters and no control characters.' }]
}
