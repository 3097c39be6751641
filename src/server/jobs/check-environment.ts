/** Which environment variables a caller may set for a job. */
import { type Fault, pointerTo } from '../../contract/fault.ts'

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

function valueFault(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'A value is a string; put numbers and booleans in quotes.'
  if (value.includes('\0') || !value.isWellFormed())
    return 'A value holds no NUL and no half of a surrogate pair.'
  if (Buffer.byteLength(value) > maximumValueBytes)
    return `A value has at most ${maximumValueBytes} bytes.`
  return undefined
}
