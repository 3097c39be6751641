/** What a submission may ask for that this machine has not. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { BackendJob } from '../index.ts'
import { checkLimits } from './limits.ts'
import { checkSecretFiles } from './secret-files.ts'

const known = ['maxRuntimeSeconds', 'memoryMb', 'cpus']

export function checkJob(job: BackendJob, limits: LocalLimits, secretRoots: string[]): Fault[] {
  const { resources, inputs } = job
  return [
    ...Object.keys(resources)
      .filter(name => !known.includes(name))
      .map(name => ({
        pointer: pointerTo('resources', name),
        detail: `Jobs run on the service's own machine here: ${name} is for BACKEND=sagemaker.`
      })),
    ...checkLimits(resources, limits),
    ...checkSecretFiles(job, secretRoots),
    ...Object.keys(inputs).map(channel => ({
      pointer: pointerTo('inputs', channel),
      detail:
        'Input channels are for BACKEND=sagemaker. Put the data into the project, or give its path or URI as a parameter.'
    }))
  ]
}
