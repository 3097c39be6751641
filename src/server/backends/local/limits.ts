/** What one local job may use of the machine, and whose word that is: the operator's, or less if the caller says so. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import type { Failure } from '../../../contract/run-report.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { Resources } from '../index.ts'

/** Of one job, as its supervisor watches over them. */
export interface JobLimits extends Omit<LocalLimits, 'cpus'> {
  cpus?: number
  /** What a caller or an operator changes to let it use more memory. */
  memorySetting: 'resources.memoryMb' | 'LOCAL_MAX_MEMORY_MB'
}

/** A job used more than it may. */
export interface Excess {
  kind: Extract<Failure['kind'], 'user' | 'capacity'>
  /** A sentence with the limit and its name. */
  message: string
}

/** Only Linux tells what all processes of a job use, and lets them be put on some of the cores. */
const canLimit = process.platform === 'linux'

export function checkLimits(resources: Resources, limits: LocalLimits): Fault[] {
  const most = { memoryMb: limits.memoryMb, cpus: limits.cpus }
  return (['memoryMb', 'cpus'] as const).flatMap(name => {
    const pointer = pointerTo('resources', name)
    const wanted = resources[name]
    const limit = most[name]
    if (wanted === undefined) return []
    if (!canLimit)
      return [{ pointer, detail: `Jobs cannot be limited on this system: leave ${name} out.` }]
    if (limit === undefined || wanted <= limit) return []
    return [{ pointer, detail: `A job may have ${limit} at most here.` }]
  })
}

/** With the operator's limits where a job asks for none. */
export function planResources(resources: Resources, { memoryMb, cpus }: LocalLimits): Resources {
  if (!canLimit) return resources
  return { memoryMb, ...(cpus === undefined ? {} : { cpus }), ...resources }
}

export function limitsOf(resources: Resources, limits: LocalLimits): JobLimits {
  const { cpus, ...others } = limits
  const wanted = resources.cpus ?? cpus
  return {
    ...others,
    ...(resources.memoryMb === undefined
      ? { memorySetting: 'LOCAL_MAX_MEMORY_MB' }
      : { memoryMb: resources.memoryMb, memorySetting: 'resources.memoryMb' }),
    ...(wanted === undefined ? {} : { cpus: wanted })
  }
}
