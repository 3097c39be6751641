/** What a submission may ask for that this machine has not. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import type { BackendJob } from '../index.ts'

export function checkJob({ resources, inputs }: BackendJob): Fault[] {
  return [
    ...Object.keys(resources)
      .filter(name => name !== 'maxRuntimeSeconds')
      .map(name => ({
        pointer: pointerTo('resources', name),
        detail: `Jobs run on the service's own machine here: ${name} is for BACKEND=sagemaker.`
      })),
    ...Object.keys(inputs).map(channel => ({
      pointer: pointerTo('inputs', channel),
      detail:
        'Input channels are for BACKEND=sagemaker. Put the data into the project, or give its path or URI as a parameter.'
    }))
  ]
}
