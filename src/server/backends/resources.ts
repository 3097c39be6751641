/** What a training job runs on, as a caller may ask for it; what is left out is the operator's default. */
import { Type } from 'typebox'

export const Resources = Type.Object(
  {
    instanceType: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'SageMaker: type of the ML instances.',
        examples: ['ml.m5.xlarge']
      })
    ),
    instanceCount: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description: 'SageMaker: how many instances; the first one runs the project.'
      })
    ),
    volumeSizeGb: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 16_384, description: 'SageMaker: the ML volume, in GB.' })
    ),
    maxRuntimeSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 28 * 24 * 60 * 60,
        description:
          'The job is stopped, and has failed, when it has run for so long; what it logged until then is kept. Without it, local jobs may run for ever.'
      })
    ),
    memoryMb: Type.Optional(
      Type.Integer({
        minimum: 64,
        maximum: 16_777_216,
        description:
          'Local jobs, on Linux: the most memory, in MiB, that all processes of the job may use together; the job has failed when they use more. Without it, the operator’s limit.',
        examples: [2048]
      })
    ),
    cpus: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4096,
        description:
          'Local jobs, on Linux: how many of the machine’s cores the job is put on. Without it, the operator’s limit.'
      })
    ),
    spot: Type.Optional(
      Type.Boolean({
        description: 'SageMaker: managed spot training, with checkpoints kept in the storage.'
      })
    ),
    maxWaitSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 28 * 24 * 60 * 60,
        description:
          'SageMaker, with spot only: for waiting and running together, so at least maxRuntimeSeconds.'
      })
    ),
    keepAliveSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 21_600,
        description: 'SageMaker: how long the instances stay warm for a next job; not with spot.'
      })
    )
  },
  { $id: 'Resources', additionalProperties: false, description: 'What the job runs on.' }
)
export type Resources = Type.Static<typeof Resources>
