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

/** Throws MALFORMED_REQUEST where a field is no JSON; names every other fault. */
export function checkFields(texts: FieldTexts): { fields: Fields; faults: Fault[] } {
  const faults: Fault[] = [...unknownFields(texts)]
  jsonObject(texts, 'parameters')
  const parameters = parseParameters(texts.get('parameters') || '{}')
  const run = jsonObject(texts, 'run')
  const environment = jsonObject(texts, 'environment')
  const tags = jsonObject(texts, 'tags')
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

function jsonObject(texts: FieldTexts, field: string): Record<string, unknown> {
  const text = texts.get(field)
  if (text === undefined || text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new MalformedRequest(`The field "${field}" is not JSON: ${(error as Error).message}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedRequest(`The field "${field}" must be a JSON object such as {}.`)
  return value as Record<string, unknown>
}

function checkRun(run: Record<string, unknown>): Fault[] {
  const known = Object.keys(RunOptions.properties)
  const faults = Object.keys(run)
    .filter(name => !known.includes(name))
    .map(name => ({
      pointer: pointerTo('run', name),
      detail: `There is no run option "${name}"${suggestion(name, known)}`
    }))
  for (const { instancePath, message } of Value.Errors(RunOptions, run))
    if (known.includes(instancePath.split('/')[1] ?? ''))
      faults.push({ pointer: `/run${instancePath}`, detail: `This ${message}.` })
  if (run.experimentName !== undefined && run.experimentId !== undefined)
    faults.push({
      pointer: '/run/experimentId',
      detail: 'Give experimentName or experimentId, not both.'
    })
  return faults
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
