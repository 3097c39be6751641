/** Data of input channels: files and folders of this machine, only below the operator's folders for it, wherever links lead. */
import { fileURLToPath } from 'node:url'
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { Paths } from '../../paths.ts'
import { ofTenant } from '../../tenant.ts'
import type { BackendJob, StartOutcome } from '../index.ts'
import { isAt, isOfService } from './real-path.ts'

type Job = Pick<BackendJob, 'tenant' | 'inputs'>

export interface InputSettings {
  /** DATA_DIR, which is nobody's data. */
  folder: string
  /** Absolute paths; `{tenant}` stands for the job's tenant. */
  inputRoots: string[]
}

export interface Input {
  /** Without links. */
  path: string
  isFolder: boolean
}

export async function checkInputs(
  job: Job,
  settings: InputSettings,
  paths: Paths
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const [channel, uri] of Object.entries(job.inputs)) {
    const found = await find(uri, job, settings, paths)
    if (typeof found === 'string')
      faults.push({ pointer: pointerTo('inputs', channel), detail: found })
  }
  return faults
}

/** Channel -> its data, as it is now. */
export async function locateInputs(
  job: Job,
  settings: InputSettings,
  paths: Paths
): Promise<Map<string, Input> | Extract<StartOutcome, { outcome: 'failed' }>> {
  const inputs = new Map<string, Input>()
  for (const [channel, uri] of Object.entries(job.inputs)) {
    const found = await find(uri, job, settings, paths)
    if (typeof found === 'string')
      return {
        outcome: 'failed',
        failure: plainFailure('user', `The channel ${channel} has no data: ${found}`)
      }
    inputs.set(channel, found)
  }
  return inputs
}

/** Or what is wrong. Of what lies elsewhere not even that it is there is told. */
async function find(
  uri: string,
  { tenant }: Job,
  { folder, inputRoots }: InputSettings,
  paths: Paths
): Promise<Input | string> {
  if (!/^file:/i.test(uri)) return notHere
  if (inputRoots.length === 0) return noRoots
  const path = pathOf(uri)
  if (path === undefined) return `The URI ${notAPath}`
  const roots = inputRoots.map(root => ofTenant(root, tenant))
  if (!roots.some(root => isAt(path, root))) return outside(roots)
  const real = await paths.real(path)
  if (real === undefined) return `There is nothing at ${uri}.`
  const allowed = await Promise.all(roots.map(async root => (await paths.real(root)) ?? root))
  if (!allowed.some(root => isAt(real, root)) || (await isOfService(real, folder, paths)))
    return outside(roots)
  const kind = await paths.kind(real)
  if (kind === 'other') return `${uri} is no file and no folder.`
  return { path: real, isFolder: kind === 'folder' }
}

function pathOf(uri: string): string | undefined {
  try {
    const path = fileURLToPath(uri)
    return path.includes('\0') ? undefined : path.replace(/(.)\/+$/, '$1')
  } catch {
    return undefined
  }
}

const notHere =
  'Jobs run on the service’s own machine here: give a file or a folder of it, such as file:///data/train/. S3 is for BACKEND=sagemaker.'
const notAPath = 'of a file has a path and no host, as in file:///data/train/.'
const noRoots =
  'The service gives jobs no data of its machine: its operator has to name the folders of data in INPUT_ROOTS.'
const outside = (roots: string[]) =>
  `The data must be in one of the folders that the operator has named for it (INPUT_ROOTS): ${roots.join(', ')}. Links count as what they lead to.`
