/** What of the resources SageMaker would refuse. */
import { TrainingInstanceType } from '@aws-sdk/client-sagemaker'
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import type { BackendJob } from '../index.ts'
import { planResources } from './plan-resources.ts'

export function checkResources({ resources }: BackendJob, settings: SagemakerConfig): Fault[] {
  const planned = planResources(resources, settings)
  const faults: Fault[] = []
  const fault = (member: string, detail: string) =>
    faults.push({ pointer: pointerTo('resources', member), detail })
  const types: string[] = Object.values(TrainingInstanceType)
  if (!types.includes(planned.instanceType))
    fault(
      'instanceType',
      `SageMaker trains on no "${planned.instanceType}"${didYouMean(planned.instanceType, types, '; a type is such as ml.m5.xlarge.')}`
    )
  for (const member of ['memoryMb', 'cpus'] as const)
    if (resources[member] !== undefined)
      fault(
        member,
        'On SageMaker a job has all of its instance: choose one by instanceType, or leave this out.'
      )
  const { maxWaitSeconds: wait, keepAliveSeconds: keepAlive = 0 } = resources
  if (wait !== undefined && !planned.spot)
    fault('maxWaitSeconds', 'Only a spot job waits: set resources.spot to true, or leave it out.')
  if (wait !== undefined && planned.spot && wait < planned.maxRuntimeSeconds)
    fault(
      'maxWaitSeconds',
      `It is for waiting and running together, so it must be at least maxRuntimeSeconds, which is ${planned.maxRuntimeSeconds}.`
    )
  if (keepAlive > 0 && planned.spot)
    fault(
      'keepAliveSeconds',
      'Spot instances are not kept warm: set resources.spot to false, or leave this out.'
    )
  return faults
}
