/** Which environment variables a caller may set for a job, and how. */
import { fileURLToPath } from 'node:url'
import { type Fault, pointerTo } from '../../contract/fault.ts'
import { didYouMean } from '../../contract/nearest.ts'
import { secretArn } from '../../contract/secrets.ts'
import type { RecordedEnvironment } from './environment.ts'

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/
/** The platform's own, and those by which programs are made to run other code. */
const refused =
  /^(PATH|HOME|SHELL|ENV|BASH_ENV|IFS|TMPDIR|(LD|DYLD|NODE|GIT|PIP|UV|CONDA|AWS|SM|SAGEMAKER)_.*|PYTHON.*|MLFLOW_.*)$/
const allowed = /^(PYTHONHASHSEED|PYTHONUNBUFFERED|MLFLOW_TRACKING_(URI|USERNAME|PASSWORD|TOKEN))$/
const maximumVariables = 100
const maximumValueBytes = 32 * 1024

export function checkEnvironment(environment: Record<string, unknown>): Fault[] {
  const entries = Object.entries(environment)
  const faults = entries.flatMap(([name, value]) => {
    const detail = nameFault(name) ?? valueFault(value)
    return detail ? [{ pointer: pointerTo('environment', name), detail }] : []
  })
  if (entries.length > maximumVariables)
    faults.push({
      pointer: '/environment',
      detail: `At most ${maximumVariables} variables are possible.`
    })
  return faults
}

function nameFault(name: string): string | undefined {
  if (!namePattern.test(name))
    return 'A variable’s name has letters, digits and _, and begins with no digit.'
  if (refused.test(name) && !allowed.test(name))
    return `${name} is set by the service, or could make programs run other code; choose another name.`
  return undefined
}

/** Those that can be looked at further. */
export const fittingVariables = (environment: Record<string, unknown>): RecordedEnvironment =>
  Object.fromEntries(
    Object.entries(environment).filter(([, value]) => valueFault(value) === undefined)
  ) as RecordedEnvironment

/** Never says the value: it may be a secret at the wrong place. */
function valueFault(value: unknown): string | undefined {
  if (typeof value === 'string') return textFault(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrongKind
  const strange = Object.keys(value).find(name => !members.includes(name))
  if (strange !== undefined)
    return `There is no member "${strange}" of a variable${didYouMean(strange, members, `; there are ${members.join(', ')}.`)}`
  const { value: text, secret, valueFrom } = value as Record<string, unknown>
  if (valueFrom !== undefined)
    return text === undefined && secret === undefined ? referenceFault(valueFrom) : both
  if (secret !== undefined && typeof secret !== 'boolean') return '"secret" is true or false.'
  if (text === undefined) return secret === true ? forgotten : neither
  return typeof text === 'string' ? textFault(text) : wrongKind
}

const members = ['value', 'secret', 'valueFrom']
const wrongKind =
  'A value is a string, or an object with a string "value" or "valueFrom"; put numbers and booleans in quotes.'
const both =
  'Give a value or where it is kept, not both: { "value": "...", "secret": true } or { "valueFrom": "..." }.'
const neither = 'Give the value, { "value": "..." }, or where it is kept, { "valueFrom": "..." }.'
const forgotten =
  'The value of a secret is needed, { "value": "...", "secret": true }: of a job that has ended it is not kept, so that a rerun has to give it again.'

function textFault(value: string): string | undefined {
  if (value.includes('\0') || !value.isWellFormed())
    return 'A value holds no NUL and no half of a surrogate pair.'
  if (Buffer.byteLength(value) > maximumValueBytes)
    return `A value has at most ${maximumValueBytes} bytes.`
  return undefined
}

const referenceFault = (value: unknown): string | undefined =>
  typeof value === 'string' && (secretArn.test(value) || isFile(value))
    ? undefined
    : 'valueFrom is an absolute file:///... or the ARN of a secret, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME. (What was given is not shown: it might be the secret itself.)'

function isFile(text: string): boolean {
  if (!/^file:\/\/\/[^?#\s]+$/.test(text) || text.length > 1024) return false
  try {
    return !fileURLToPath(text).includes('\0')
  } catch {
    return false
  }
}
