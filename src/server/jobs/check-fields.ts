/** The fields of a submission beside its archive: texts as they came become values, or faults. */
import Value from 'typebox/value'
import { type Fault, pointerTo } from '../../contract/fault.ts'
import { didYouMean } from '../../contract/nearest.ts'
import { parseParameters } from '../../contract/parameters.ts'
import { MalformedRequest } from '../errors.ts'
import { checkEnvironment } from './check-environment.ts'
import { RunOptions } from './job.ts'

export const fieldNames = [
  'path',
  'parameters',
  'entryPoint',
  'name',
  'run',
  'environment',
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
  environment: Record<string, string>
  tags: Record<string, string>
}

type JsonField = 'parameters' | 'run' | 'environment' | 'tags'
const jsonFields: JsonField[] = ['parameters', 'run', 'environment', 'tags']

/** Throws MALFORMED_REQUEST that names every field that is no JSON; answers every other fault. */
export function checkFields(texts: FieldTexts): { fields: Fields; faults: Fault[] } {
  const faults: Fault[] = [...unknownFields(texts)]
  const values = parseFields(texts)
  const parameters = parseParameters(textOf(texts, 'parameters'))
  const run = objectOf('run', values.run, faults)
  const environment = objectOf('environment', values.environment, faults)
  const tags = objectOf('tags', values.tags, faults)
  const name = texts.get('name')
  faults.push(
    ...parameters.faults,
    ...checkRun(run),
    ...checkEnvironment(environment),
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
      run: run as RunOptions,
      environment: environment as Record<string, string>,
      tags: tags as Record<string, string>
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
  const values: Record<JsonField, unknown> = { parameters: {}, run: {}, environment: {}, tags: {} }
  const malformed: string[] = []
  for (const field of jsonFields)
    try {
      values[field] = JSON.parse(textOf(texts, field))
    } catch (error) {
      malformed.push(`The field "${field}" is not JSON: ${(error as Error).message}.`)
    }
  if (malformed.length > 0) throw new MalformedRequest(malformed.join(' '))
  return values
}

/** {} where it is none, with a fault, so that everything else is checked all the same. */
function objectOf(field: JsonField, value: unknown, faults: Fault[]): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  faults.push({
    pointer: pointerTo(field),
    detail: `The field "${field}" must be a JSON object such as {}.`
  })
  return {}
}

function checkRun(run: Record<string, unknown>): Fault[] {
  const known = Object.keys(RunOptions.properties)
  const faults = Object.keys(run)
    .filter(name => !known.includes(name))
    .map(name => ({
      pointer: pointerTo('run', name),
      detail: `There is no run option "${name}"${suggestion(name, known)}`
    }))
  for (const error of Value.Errors(RunOptions, run)) {
    const name = known.find(option => error.instancePath === `/${option}`)
    if (name) faults.push({ pointer: pointerTo('run', name), detail: `${name} ${wanted(error)}.` })
  }
  if (run.experimentName !== undefined && run.experimentId !== undefined)
    faults.push({
      pointer: '/run/experimentId',
      detail: 'Give experimentName or experimentId, not both.'
    })
  return faults
}

/** What is allowed: the checker's own words name no values, and kinds as programs do. */
function wanted(error: ReturnType<typeof Value.Errors>[number]): string {
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`
  if (error.keyword === 'type')
    return error.params.type === 'string' ? 'must be text' : 'must be true or false'
  if (error.keyword === 'pattern') return 'has 1 to 64 letters, digits, "_" and "-"'
  return error.message
}

const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const maximumTags = 50

function checkTags(tags: Record<string, unknown>): Fault[] {
  const faults: Fault[] = []
  if (Object.keys(tags).length > maximumTags)
    faults.push({ pointer: '/tags', detail: `At most ${maximumTags} tags are possible.` })
  for (const [key, value] of Object.entries(tags)) {
    const at = pointerTo('tags', key)
    if (key.length < 1 || key.length > 128 || !tagCharacters.test(key))
      faults.push({
        pointer: at,
        detail: 'A tag’s key has 1 to 128 letters, digits, spaces and _.:/=+-@.'
      })
    if (typeof value !== 'string' || value.length > 256 || !tagCharacters.test(value))
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
