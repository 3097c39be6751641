/** What a submission may ask for that this machine has not. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { Paths } from '../../paths.ts'
import type { BackendJob } from '../index.ts'
import { checkInputs, type InputSettings } from './input-data.ts'
import { checkLimits } from './limits.ts'
import { checkSecretFiles, type SecretSettings } from './secret-files.ts'

const known = ['maxRuntimeSeconds', 'memoryMb', 'cpus']

export interface CheckSettings extends InputSettings, SecretSettings {
  limits: LocalLimits
}

export async function checkJob(
  job: BackendJob,
  settings: CheckSettings,
  paths: Paths
): Promise<Fault[]> {
  const { limits } = settings
  const { resources } = job
  return [
    ...Object.keys(resources)
      .filter(name => !known.includes(name))
      .map(name => ({
        pointer: pointerTo('resources', name),
        detail: `Jobs run on the service's own machine here: ${name} is for BACKEND=sagemaker.`
      })),
    ...checkLimits(resources, limits),
    ...(await checkSecretFiles(job, settings, paths)),
    ...(await checkInputs(job, settings, paths))
  ]
}
