/** Jobs on Amazon SageMaker. */
import type { Backend, Isolation } from '../backends/index.ts'
import { type Config, configError } from '../config.ts'
import type { SagemakerConfig } from '../config-aws.ts'
import { version } from '../version.ts'
import type { Voice } from './voice.ts'

/** `temporary`: a folder that is emptied when the service starts. */
export async function openSagemaker(
  settings: SagemakerConfig,
  { dataDir, databaseUrl, mlflowTrackingUri }: Config,
  temporary: string,
  { problem }: Voice
): Promise<{ backend: Backend; isolation: Isolation }> {
  const { checkSettings } = await import('../backends/sagemaker/check-settings.ts')
  const faults = checkSettings(settings)
  if (faults.length > 0) throw configError(faults)
  const { createClients } = await import('../backends/sagemaker/clients.ts')
  const { createSagemaker } = await import('../backends/sagemaker/index.ts')
  const { createJobLogs } = await import('../backends/sagemaker/logs.ts')
  const clients = createClients(version)
  const backend = createSagemaker({
    settings,
    folder: dataDir,
    trackingUri: mlflowTrackingUri ?? null,
    client: clients.sagemaker,
    shared: databaseUrl !== undefined,
    createLogs: (hostsOf, passing) =>
      createJobLogs({
        client: clients.cloudWatchLogs,
        folder: passing ? temporary : dataDir,
        passing,
        hostsOf,
        onProblem: problem
      }),
    onProblem: problem
  })
  return { backend, isolation: 'instance' }
}
