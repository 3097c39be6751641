/** What a job runs on: what its caller asks for over the operator's defaults. */
import type { SagemakerConfig } from '../../config-aws.ts'
import type { Resources } from '../index.ts'

export interface PlannedResources {
  instanceType: string
  instanceCount: number
  volumeSizeGb: number
  maxRuntimeSeconds: number
  spot: boolean
  /** Only with spot: waiting and running together. */
  maxWaitSeconds: number | undefined
  /** 0 with spot. */
  keepAliveSeconds: number
}

/** A job that asks for spot does without the operator's warm pool. */
export function planResources(
  resources: Resources,
  { defaults }: Pick<SagemakerConfig, 'defaults'>
): PlannedResources {
  const spot = resources.spot ?? defaults.spot
  const maxRuntimeSeconds = resources.maxRuntimeSeconds ?? defaults.maxRuntimeSeconds
  return {
    instanceType: resources.instanceType ?? defaults.instanceType,
    instanceCount: resources.instanceCount ?? defaults.instanceCount,
    volumeSizeGb: resources.volumeSizeGb ?? defaults.volumeSizeGb,
    maxRuntimeSeconds,
    spot,
    maxWaitSeconds: spot ? (resources.maxWaitSeconds ?? maxRuntimeSeconds) : undefined,
    keepAliveSeconds: spot ? 0 : (resources.keepAliveSeconds ?? defaults.keepAliveSeconds)
  }
}

/** Jobs of one quota wait for the same thing; AWS counts spot instances apart. */
export const quotaOf = (instanceType: string, spot: boolean) =>
  spot ? `${instanceType} (spot)` : instanceType
