/** Files that hold secrets of jobs: only below the operator's folders for them, wherever links lead. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { Paths } from '../../paths.ts'
import { ofTenant } from '../../tenant.ts'
import type { BackendJob, StartOutcome } from '../index.ts'
import { isBelow, isOfService } from './real-path.ts'

type Job = Pick<BackendJob, 'tenant' | 'secretReferences'>

export interface SecretSettings {
  /** DATA_DIR, which holds no secrets of jobs. */
  folder: string
  /** Absolute paths; `{tenant}` stands for the job's tenant. */
  secretRoots: string[]
}

export async function checkSecretFiles(
  job: Job,
  settings: SecretSettings,
  paths: Paths
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const [name, reference] of Object.entries(job.secretReferences)) {
    const detail = await faultOf(reference, job, settings, paths)
    if (detail !== undefined) faults.push({ pointer: pointerTo('environment', name), detail })
  }
  return faults
}

export interface SecretFiles {
  /** Variable -> file:// URI, without links. */
  references: Record<string, string>
  /** The paths of those that are there. */
  files: string[]
}

/** As the files are now; what is missing is told by the job. */
export async function locateSecretFiles(
  job: Job,
  settings: SecretSettings,
  paths: Paths
): Promise<SecretFiles | Extract<StartOutcome, { outcome: 'failed' }>> {
  const references: Record<string, string> = {}
  const files: string[] = []
  for (const [name, reference] of Object.entries(job.secretReferences)) {
    const fault = await faultOf(reference, job, settings, paths)
    if (fault) return failed(`The variable ${name} has no value: ${fault}`)
    const path = await paths.real(fileURLToPath(reference))
    references[name] = path === undefined ? reference : pathToFileURL(path).href
    if (path !== undefined) files.push(path)
  }
  return { references, files: [...new Set(files)] }
}

const failed = (message: string) =>
  ({ outcome: 'failed', failure: plainFailure('user', message) }) as const

async function faultOf(
  reference: string,
  { tenant }: Job,
  { folder, secretRoots }: SecretSettings,
  paths: Paths
): Promise<string | undefined> {
  if (!reference.startsWith('file:')) return notHere
  if (secretRoots.length === 0) return noRoots
  const roots = secretRoots.map(root => ofTenant(root, tenant))
  const path = fileURLToPath(reference)
  // Where the file itself is missing, its name alone counts: there is nothing to read.
  const real = (await paths.real(path)) ?? path
  if (await isOfService(real, folder, paths)) return outside(roots)
  for (const root of roots) {
    const either = [root, (await paths.real(root)) ?? root]
    if (isInside(path, either) && isInside(real, either)) return undefined
  }
  return outside(roots)
}

const isInside = (path: string, roots: string[]) => roots.some(root => isBelow(path, root))

const notHere =
  'Jobs run on the service’s own machine here: secrets in AWS Secrets Manager are for BACKEND=sagemaker. Give a file, file:///...'
const noRoots =
  'The service reads no files for jobs: its operator has to name the folders of secrets in SECRET_ROOTS.'
const outside = (roots: string[]) =>
  `The file must be below one of the folders that the operator has named for secrets (SECRET_ROOTS): ${roots.join(', ')}. Links count as what they lead to.`
