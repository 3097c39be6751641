/** Jobs on this machine. */
import type { Backend, Isolation } from '../backends/index.ts'
import { createEnvironmentSweeper } from '../backends/local/environment-sweeper.ts'
import { createFacilities } from '../backends/local/facilities.ts'
import { createLocal } from '../backends/local/index.ts'
import { findSandbox } from '../backends/local/sandbox.ts'
import { createStandbys } from '../backends/local/standbys.ts'
import type { Config } from '../config.ts'
import type { Voice } from './voice.ts'

/** `temporary`: a folder that is emptied when the service starts. */
export async function openLocal(
  config: Config,
  temporary: string,
  say: Voice
): Promise<{ backend: Backend; isolation: Isolation }> {
  const { dataDir, mlflowTrackingUri, jobEnvironment, buildEnvironment } = config
  const sandbox = await findSandbox({
    mode: config.localSandbox,
    folder: dataDir,
    temporary,
    readable: config.localReadable,
    writable: config.localWritable,
    user: config.localUser,
    environment: jobEnvironment
  })
  const settings = {
    folder: dataDir,
    limits: config.localLimits,
    secretRoots: config.secretRoots,
    inputRoots: config.inputRoots,
    stopGraceSeconds: config.stopGraceSeconds,
    jobEnvironment,
    buildEnvironment
  }
  const backend = createLocal({
    ...settings,
    slots: config.localSlots,
    standbys: createStandbys({
      count: config.localStandby,
      temporary,
      settings,
      onProblem: say.problem
    }),
    environmentSweeper: createEnvironmentSweeper({
      folder: dataDir,
      milliseconds: config.keepEnvironmentsSeconds * 1000,
      bytes: config.keepEnvironmentsBytes ?? Infinity,
      say: say.progress
    }),
    facilities: createFacilities({
      folder: dataDir,
      temporary,
      python: config.python,
      trackingUri: mlflowTrackingUri,
      buildEnvironment: { ...jobEnvironment, ...buildEnvironment },
      serverEnvironment: jobEnvironment,
      sandbox,
      onProgress: say.progress,
      onProblem: say.problem
    })
  })
  return { backend, isolation: sandbox.wall ? 'sandbox' : 'none' }
}
