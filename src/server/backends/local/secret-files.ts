/** Files that hold secrets of jobs: only below the operator's folders for them, wherever links lead. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { plainFailure } from '../../../contract/run-report.ts'
import type { BackendJob, StartOutcome } from '../index.ts'
import { isBelow, realPath } from './real-path.ts'

type Job = Pick<BackendJob, 'tenant' | 'secretReferences'>

/** `roots`: absolute paths; `{tenant}` stands for the job's tenant. */
export function checkSecretFiles(job: Job, roots: string[]): Fault[] {
  return Object.entries(job.secretReferences).flatMap(([name, reference]) => {
    const detail = faultOf(reference, rootsOf(job, roots))
    return detail === undefined ? [] : [{ pointer: pointerTo('environment', name), detail }]
  })
}

export interface SecretFiles {
  /** Variable -> file:// URI, without links. */
  references: Record<string, string>
  /** The paths of those that are there. */
  files: string[]
}

/** As the files are now; what is missing is told by the job. */
export function locateSecretFiles(
  job: Job,
  roots: string[]
): SecretFiles | Extract<StartOutcome, { outcome: 'failed' }> {
  const references: Record<string, string> = {}
  const files: string[] = []
  for (const [name, reference] of Object.entries(job.secretReferences)) {
    const fault = faultOf(reference, rootsOf(job, roots))
    if (fault) return failed(`The variable ${name} has no value: ${fault}`)
    const path = realPath(fileURLToPath(reference))
    references[name] = path === undefined ? reference : pathToFileURL(path).href
    if (path !== undefined) files.push(path)
  }
  return { references, files: [...new Set(files)] }
}

const failed = (message: string) =>
  ({ outcome: 'failed', failure: plainFailure('user', message) }) as const

const rootsOf = ({ tenant }: Job, roots: string[]) =>
  roots.map(root => root.replaceAll('{tenant}', tenant))

function faultOf(reference: string, roots: string[]): string | undefined {
  if (!reference.startsWith('file:')) return notHere
  if (roots.length === 0) return noRoots
  const path = fileURLToPath(reference)
  const inside = roots.some(root => {
    const real = realPath(root) ?? root
    // Where the file itself is missing, its name alone counts: there is nothing to read.
    return isInside(path, [root, real]) && isInside(realPath(path) ?? path, [root, real])
  })
  return inside ? undefined : outside(roots)
}

const isInside = (path: string, roots: string[]) => roots.some(root => isBelow(path, root))

const notHere =
  'Jobs run on the service’s own machine here: secrets in AWS Secrets Manager are for BACKEND=sagemaker. Give a file, file:///...'
const noRoots =
  'The service reads no files for jobs: its operator has to name the folders of secrets in SECRET_ROOTS.'
const outside = (roots: string[]) =>
  `The file must be below one of the folders that the operator has named for secrets (SECRET_ROOTS): ${roots.join(', ')}. Links count as what they lead to.`
