/** The values of secrets that are kept elsewhere, found by the job itself with its own rights. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { secretArn } from '../contract/secrets.ts'
import { TrainingError, userError } from './failure.ts'
import type { Settings, Variables } from './settings.ts'

const script = join(import.meta.dirname, 'read_secrets.py')
const mostBytes = 64 * 1024
const longestMilliseconds = 120_000

/** Throws, with every variable that has no value and where it was looked for. */
export async function readSecrets(
  { secretReferences, python, variables }: Settings,
  signal: AbortSignal
): Promise<Variables> {
  const values: Variables = {}
  const problems: string[] = []
  const arns = Object.entries(secretReferences).filter(([, reference]) => secretArn.test(reference))
  const told = await askSecretsManager(arns, python, variables, signal)
  for (const [name, reference] of Object.entries(secretReferences)) {
    const { value, problem } = told[name] ?? (await readFile(reference))
    if (value === undefined)
      problems.push(`The variable ${name} has no value: ${reference} ${problem}.`)
    else if (value.includes('\0'))
      problems.push(`The variable ${name} has no value: ${reference} holds a NUL.`)
    else values[name] = value
  }
  if (problems.length > 0) throw userError(problems.join(' '))
  return values
}

interface Answer {
  value?: string
  problem?: string
}

/** Files of secrets mostly end with a line end that is no part of them. */
async function readFile(reference: string): Promise<Answer> {
  try {
    // A pipe without a writer would not be opened otherwise.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK
    const file = await open(fileURLToPath(reference), flags)
    try {
      if (!(await file.stat()).isFile()) return { problem: 'is no file' }
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(mostBytes + 1),
        0,
        mostBytes + 1,
        0
      )
      if (bytesRead > mostBytes) return { problem: `has more than ${mostBytes} bytes` }
      return { value: buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '') }
    } finally {
      await file.close()
    }
  } catch (error) {
    return { problem: reasonOf(error as NodeJS.ErrnoException) }
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'is not there'
  if (code === 'EACCES') return 'may not be read by the job'
  return `cannot be read (${code ?? message})`
}

async function askSecretsManager(
  arns: [name: string, arn: string][],
  python: string,
  variables: Variables,
  signal: AbortSignal
): Promise<Record<string, Answer>> {
  if (arns.length === 0) return {}
  const { stdout, stderr, failed, shortMessage } = await execa(python, [script], {
    env: variables,
    extendEnv: false,
    input: JSON.stringify(Object.fromEntries(arns)),
    cancelSignal: signal,
    timeout: longestMilliseconds,
    reject: false
  })
  if (!failed) return JSON.parse(stdout)
  const words = String(stderr).trim().split('\n').at(-1)
  throw new TrainingError(
    'platform',
    `AWS Secrets Manager could not be asked: ${words || shortMessage}`
  )
}
