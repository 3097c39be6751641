/** What a submission may ask for that this machine has not. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { BackendJob } from '../index.ts'
import { checkInputs, type InputSettings } from './input-data.ts'
import { checkLimits } from './limits.ts'
import { checkSecretFiles } from './secret-files.ts'

const known = ['maxRuntimeSeconds', 'memoryMb', 'cpus']

export interface CheckSettings extends InputSettings {
  limits: LocalLimits
  secretRoots: string[]
}

export function checkJob(job: BackendJob, settings: CheckSettings): Fault[] {
  const { limits, secretRoots } = settings
  const { resources } = job
  return [
    ...Object.keys(resources)
      .filter(name => !known.includes(name))
      .map(name => ({
        pointer: pointerTo('resources', name),
        detail: `Jobs run on the service's own machine here: ${name} is for BACKEND=sagemaker.`
      })),
    ...checkLimits(resources, limits),
    ...checkSecretFiles(job, secretRoots),
    ...checkInputs(job, settings)
  ]
}
