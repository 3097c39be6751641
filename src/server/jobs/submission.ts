/** What a caller sends to make jobs: a project, and the fields of one job or of each job of a batch. */
import { type Fault, pointerTo } from '../../contract/fault.ts'
import { type JsonPart, jsonParts } from '../../contract/json-parts.ts'
import { jsonProblem } from '../../contract/json-problem.ts'
import { MalformedRequest, RequestTooLarge } from '../errors.ts'
import type { ReceivedArchive } from '../projects/index.ts'
import { batchBytes, formParts } from '../request-limits.ts'
import { type FieldTexts, isJsonField } from './check-fields.ts'
import { fieldTooLarge, limitOf } from './field-limits.ts'
import type { JobRecord } from './job.ts'

export interface Submission {
  /** Absent where the request had no file. */
  archive?: ReceivedArchive
  /** With `project`: the digest of one that the storage has. */
  texts: FieldTexts
  /** What is wrong with the form itself. */
  faults: Fault[]
}

/** The fields of one job. */
export interface JobFields {
  /** Where faults of it are, below the submission's root. */
  pointer: string
  texts: FieldTexts
}

export interface Asked {
  /** The caller's Idempotency-Key, with whose it is. */
  key?: { scope: string; key: string }
  /** Checks everything; stores and starts nothing. */
  dryRun?: boolean
  /** The field "jobs" has a job each. */
  batch?: boolean
  /** The job that is run again. */
  rerunOf?: JobRecord
}

export interface Accepted {
  /** Of the job, or of the batch. */
  id: string
  jobs: JobRecord[]
  /** true: they are from an earlier request with the same key. */
  replayed: boolean
}

/** A submission out of JSON text: parameters keep the way in which they were written. Throws MALFORMED_REQUEST or
 * REQUEST_TOO_LARGE. */
export function submissionOf(json: string): Submission {
  if (!isObject(parse(json, 'The body')))
    throw new MalformedRequest('The body must be a JSON object such as {"project": "sha256:..."}.')
  const faults: Fault[] = []
  return { texts: textsOf(jsonParts(json), '', faults), faults }
}

/** More than that is for several batches. */
export const batchLimit = 1000

/** The jobs of the field "jobs": what each one says goes over what all share, member by member. */
export function batchOf({ texts, faults }: Submission): JobFields[] {
  const { jobs, shared } = split(texts)
  if (!Array.isArray(parse(jobs, 'The field "jobs"'))) {
    faults.push({ pointer: '/jobs', detail: noJobs })
    return []
  }
  const elements = jsonParts(jobs)
  if (elements.length === 0) faults.push({ pointer: '/jobs', detail: noJobs })
  if (elements.length > batchLimit) {
    const detail = `A batch has at most ${batchLimit} jobs, and this one ${elements.length}: send several.`
    faults.push({ pointer: '/jobs', detail })
    return []
  }
  const jobsOf: JobFields[] = []
  let bytes = 0
  for (const [n, { text }] of elements.entries()) {
    const job = jobOf(text, `/jobs/${n}`, shared, faults)
    // What all share is there again in each of them.
    bytes += sizeOf(job.texts)
    if (bytes > batchBytes) {
      faults.push({ pointer: '/jobs', detail: tooMuch })
      return []
    }
    jobsOf.push(job)
  }
  return jobsOf
}

function jobOf(text: string, pointer: string, shared: FieldTexts, faults: Fault[]): JobFields {
  if (!text.startsWith('{')) {
    faults.push({ pointer, detail: 'A job is a JSON object such as {"parameters": {}}.' })
    return { pointer, texts: shared }
  }
  const own = textsOf(jsonParts(text), pointer, faults)
  faults.push(...takeProjectOut(own, pointer, isShared))
  return { pointer, texts: laidOver(shared, own) }
}

/** Without the project, which is there once. */
const sizeOf = (texts: FieldTexts) =>
  [...texts].reduce((sum, [name, { length }]) => sum + (name === 'project' ? 0 : length), 0)

const tooMuch = `With what they share, the jobs have more than ${batchBytes} bytes together: send several batches, or put what is long into a file of the project.`

function split(texts: FieldTexts) {
  const shared = new Map(texts)
  shared.delete('jobs')
  return { jobs: texts.get('jobs') ?? 'null', shared }
}

const noJobs =
  'A batch has at least one job: give a JSON array such as [{"parameters": {"alpha": 0.5}}].'
const isShared = 'All jobs of a batch have the same project: give it beside "jobs".'

/** Where the project is given elsewhere, these fields are faults; `detail` says where. */
export const takeProjectOut = (texts: FieldTexts, pointer: string, detail: string): Fault[] =>
  ['project', 'path'].flatMap(name =>
    texts.delete(name) ? [{ pointer: pointer + pointerTo(name), detail }] : []
  )

/** Texts win over texts, members of objects over those of the same name, and an experiment over an experiment. */
export function laidOver(below: FieldTexts, above: FieldTexts): FieldTexts {
  const texts = new Map(below)
  for (const [name, text] of above) {
    const under = below.get(name)
    texts.set(name, isJsonField(name) && under !== undefined ? merged(name, under, text) : text)
  }
  return texts
}

/** Only objects have members: anything else stands alone, and is a fault later. */
function merged(field: string, below: string, above: string): string {
  if (![below, above].every(text => text.trimStart().startsWith('{'))) return above
  const own = jsonParts(above)
  const replaced = new Set(
    own.flatMap(({ name }) => (field === 'run' && experiment.includes(name) ? experiment : [name]))
  )
  const all = [...jsonParts(below).filter(({ name }) => !replaced.has(name)), ...own]
  return `{${all.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

/** Members of "run" that say the same thing; it may have been chosen for the job that is run again. */
const experiment = ['experimentName', 'experimentId']

/** null is the same as left out. */
function textsOf(members: JsonPart[], pointer: string, faults: Fault[]): FieldTexts {
  if (members.length > formParts)
    throw new RequestTooLarge(
      `${pointer || 'The body'} has more than ${formParts} fields, the limit of this service.`
    )
  const texts: FieldTexts = new Map()
  for (const { name, text } of members) {
    const at = pointer + pointerTo(name)
    if (texts.has(name)) faults.push({ pointer: at, detail: `"${name}" is given twice.` })
    if (Buffer.byteLength(text) > limitOf(name)) throw fieldTooLarge(name)
    if (text === 'null') continue
    if (isJsonField(name) || name === 'jobs') texts.set(name, text)
    else if (text.startsWith('"')) texts.set(name, JSON.parse(text))
    else faults.push({ pointer: at, detail: `The field "${name}" must be a string.` })
  }
  return texts
}

function parse(json: string, what: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new MalformedRequest(`${what} is not JSON: ${jsonProblem(error)}.`)
  }
}

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
