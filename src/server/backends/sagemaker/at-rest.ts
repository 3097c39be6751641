/**
 * The backend of a service that does not move the jobs on. Who follows a log here is served from CloudWatch all the same:
 * SageMaker is asked once for each such job, and nothing of it is kept.
 */
import { DescribeTrainingJobCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker'
import type { Backend } from '../index.ts'
import type { CreateLogs } from './logs.ts'

/** A job that SageMaker does not have yet, or could not be asked for, is looked for again after that time. */
const againMilliseconds = 2_000

export function createAtRest(
  backend: Backend,
  { client, createLogs }: { client: SageMakerClient; createLogs: CreateLogs }
): Backend {
  const hosts = new Map<string, number>()
  /** When what was not found is looked for again (milliseconds since 1970). */
  const missing = new Map<string, number>()
  const looks = new Map<string, Promise<void>>()
  const logs = createLogs(id => hosts.get(id) ?? 1, true)

  async function look(id: string): Promise<void> {
    try {
      const command = new DescribeTrainingJobCommand({ TrainingJobName: id })
      const { ResourceConfig } = await client.send(command)
      hosts.set(id, ResourceConfig?.InstanceCount ?? 1)
      missing.delete(id)
    } catch {
      missing.set(id, Date.now() + againMilliseconds)
    }
  }

  function lookOnce(id: string): Promise<void> {
    const looking = looks.get(id) ?? look(id).finally(() => looks.delete(id))
    looks.set(id, looking)
    return looking
  }

  return {
    ...backend,
    async log(id) {
      if (!hosts.has(id) && (missing.get(id) ?? 0) <= Date.now()) await lookOnce(id)
      return hosts.has(id) ? logs.open(id) : undefined
    },
    async close(options) {
      await logs.close()
      await backend.close(options)
    }
  }
}
