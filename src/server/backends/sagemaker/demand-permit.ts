/** Looked at just before a request leaves, so that a process that hung does nothing late. */
import type { SageMakerClient } from '@aws-sdk/client-sagemaker'

const acts = ['CreateTrainingJobCommand', 'StopTrainingJobCommand']

/** Without the permit, this client makes and stops no training jobs; such a call throws, and nothing is sent. */
export function demandPermit(client: SageMakerClient, holds: () => boolean): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async args => {
        if (acts.includes(commandName) && !holds())
          throw new Error('Another service moves the jobs on now: nothing was sent.')
        return next(args)
      },
    { name: 'demandPermit', step: 'finalizeRequest', priority: 'low' }
  )
}
