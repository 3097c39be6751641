/**
 * SageMaker's hyperparameters: a map of strings, in which parameters of the entry point, options of `mlflow run`
 * and settings of the platform lie together. This says what each one means.
 */
import type { Fault } from './fault.ts'
import {
  isFlagSet,
  type MlflowRunOptions,
  noConda,
  optionName,
  runOptionMembers,
  setRunOption
} from './mlflow-run-options.ts'
import { didYouMean } from './nearest.ts'
import { escapePointer, nameFault, textToken } from './parameters.ts'

export interface JobHyperparameters {
  /** name -> JSON token. */
  parameters: Record<string, string>
  options: MlflowRunOptions
  submitDirectory?: string
  /** Folder of the MLproject file below the code's root; '' or absent: the root. */
  projectPath?: string
  tags?: Record<string, string>
}

export interface DecodedHyperparameters {
  /** name -> the text that the program gets. Has no prototype. */
  parameters: Record<string, string>
  options: MlflowRunOptions
  submitDirectory?: string
  projectPath?: string
  /** Has no prototype. */
  tags: Record<string, string>
  warnings: string[]
  /** Pointers begin with /hyperparameters. */
  faults: Fault[]
}

/** Every value is a JSON token: what reads it cannot take the string "1.0" for a number, nor "null" for a flag. */
export function encodeHyperparameters(job: JobHyperparameters): Record<string, string> {
  const map: Record<string, string> = Object.create(null)
  for (const [name, token] of Object.entries(job.parameters)) map[name] = token
  for (const [option, member] of runOptionMembers) {
    const value = job.options[member]
    if (value !== undefined) map[runPrefix + option] = textToken(value)
  }
  if (job.submitDirectory !== undefined) map[submitDirectory] = textToken(job.submitDirectory)
  if (job.projectPath) map[projectPath] = textToken(job.projectPath)
  const tags = Object.entries(job.tags ?? {})
  if (tags.length > 0) {
    map[tagsName] = `{${tags.map(([key, tag]) => `${textToken(key)}:${textToken(tag)}`).join(',')}}`
  }
  return map
}

/** Reads what any SageMaker client may have sent: raw texts, JSON, or Python's `str()` of a value. */
export function decodeHyperparameters(map: Record<string, string>): DecodedHyperparameters {
  const decoded: DecodedHyperparameters = {
    parameters: Object.create(null),
    options: {},
    tags: Object.create(null),
    warnings: [],
    faults: []
  }
  // option -> the hyperparameter that set it
  const given = new Map<string, string>()
  for (const [name, value] of Object.entries(map)) {
    const text = unwrap(value)
    const details: (string | undefined)[] = []
    if (name.startsWith(runPrefix)) details.push(decodeOption(decoded.options, name, text, given))
    else if (name === submitDirectory) decoded.submitDirectory = text
    else if (name === projectPath) decoded.projectPath = text
    else if (name === tagsName) details.push(decodeTags(decoded.tags, text))
    else if (name.startsWith(ownPrefix)) decoded.warnings.push(unknownName(name))
    else if (!isPlatformName(name)) details.push(decodeParameter(decoded.parameters, name, text))
    for (const detail of details) {
      if (detail !== undefined) decoded.faults.push({ pointer: pointerTo(name), detail })
    }
  }
  decoded.faults.push(...contradictions(decoded.options, given))
  return decoded
}

const ownPrefix = 'sagemaker_mlflow_'
const runPrefix = 'sagemaker_mlflow_run_'
const submitDirectory = 'sagemaker_submit_directory'
const projectPath = 'sagemaker_mlflow_project_path'
const tagsName = 'sagemaker_mlflow_tags'

// Names that the platform and its SDKs add for themselves.
const isPlatformName = (name: string) =>
  name.startsWith('sagemaker_') ||
  name === '_tuning_objective_metric' ||
  name === 'default_user_module_name'

const pointerTo = (name: string) => `/hyperparameters/${escapePointer(name)}`

/** A JSON string literal gives its text; everything else is meant as it is written, `1.0` and `true` included. */
function unwrap(value: string): string {
  const literal = value.trim()
  if (!literal.startsWith('"')) return value
  try {
    const text: unknown = JSON.parse(literal)
    return typeof text === 'string' ? text : value
  } catch {
    return value
  }
}

function decodeParameter(
  parameters: Record<string, string>,
  name: string,
  text: string
): string | undefined {
  const detail = nameFault(name)
  if (detail !== undefined) return detail
  if (text.includes('\0')) return `${name} holds a NUL character, which no program can be given.`
  parameters[name] = text
  return undefined
}

function decodeOption(
  options: MlflowRunOptions,
  name: string,
  text: string,
  given: Map<string, string>
): string | undefined {
  const option = optionName(name.slice(runPrefix.length))
  const earlier = given.get(option)
  if (earlier !== undefined) return `${name} and ${earlier} are the same option; give one of them.`
  if (option !== noConda) {
    given.set(option, name)
    const detail = setRunOption(options, option, text)
    return detail && `${name} ${detail}`
  }
  const isSet = isFlagSet(text)
  if (isSet === undefined) {
    return `${name} is a flag and is ${JSON.stringify(text)}, and can be null, true or false.`
  }
  if (isSet) given.set(noConda, name)
  return undefined
}

/** What is wrong with options that are right one by one. Applies no-conda, which another option may contradict. */
function contradictions(options: MlflowRunOptions, given: Map<string, string>): Fault[] {
  const faults: Fault[] = []
  const id = given.get('experiment-id')
  const name = given.get('experiment-name')
  if (id !== undefined && name !== undefined) {
    const detail = `${id} and ${name} name an experiment each; give one of them.`
    faults.push({ pointer: pointerTo(id), detail })
  }
  const flag = given.get(noConda)
  if (flag === undefined) return faults
  const manager = options.envManager ?? 'local'
  if (manager !== 'local') {
    const detail = `${flag} means the environment manager local, and ${given.get('env-manager')} is ${manager}; give one of them.`
    faults.push({ pointer: pointerTo(flag), detail })
  }
  options.envManager = manager
  return faults
}

function decodeTags(tags: Record<string, string>, text: string): string | undefined {
  const wanted = `${tagsName} is to be a JSON object of strings, such as {"team": "risk"}`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return `${wanted}, and is no JSON.`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${wanted}.`
  for (const [key, tag] of Object.entries(value)) {
    if (typeof tag !== 'string') {
      return `${wanted}; the value of ${JSON.stringify(key)} is no string.`
    }
    tags[key] = tag
  }
  return undefined
}

function unknownName(name: string): string {
  const option = optionName(name.slice(ownPrefix.length))
  const spelling =
    runOptionMembers.has(option) || option === noConda
      ? `; did you mean "${runPrefix}${option}"?`
      : didYouMean(name, [projectPath, tagsName], '.')
  return `The hyperparameter ${name} is unknown and was ignored${spelling}`
}
