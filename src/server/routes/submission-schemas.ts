/** What callers send to make jobs. */
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Resources } from '../backends/index.ts'
import { EnvironmentValue } from '../jobs/environment.ts'
import { RunOptions } from '../jobs/job.ts'
import { batchLimit } from '../jobs/submission.ts'
import { Digest, Job, Ref, Scalar, Texts } from './schemas.ts'

const fields = {
  entryPoint: Type.Optional(
    Type.String({ default: 'main', description: 'An entry point, or a .py or .sh file.' })
  ),
  parameters: Type.Optional(
    Type.Record(Type.String(), Scalar, {
      description:
        'The entry point’s parameters. Numbers reach the program as written: 1.0 stays 1.0.',
      examples: [{ alpha: 0.5 }]
    })
  ),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  run: Type.Optional(Ref(RunOptions)),
  environment: Type.Optional(
    Type.Record(Type.String(), Ref(EnvironmentValue), {
      description: 'Environment variables of the program.',
      examples: [
        { LEVEL: 'debug', API_TOKEN: { value: 'a-token', secret: true } },
        { API_TOKEN: { valueFrom: 'file:///run/secrets/token' } }
      ]
    })
  ),
  resources: Type.Optional(Ref(Resources)),
  inputs: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description:
        'Input channel → URI of its data: an S3 prefix on SageMaker, a file or folder of the service’s machine on that. The program finds it in the folder that SM_CHANNEL_<NAME> names.',
      examples: [{ train: 's3://my-bucket/train/' }, { train: 'file:///data/train/' }]
    })
  ),
  tags: Type.Optional(Texts('What jobs can be found by.'))
}

const path = Type.Optional(
  Type.String({ description: 'The project’s folder in the archive, where it is not the root.' })
)

const digest = Digest('The digest of a project that was sent before.')

const archive = Type.Unsafe<Blob>({
  type: 'string',
  format: 'binary',
  description:
    'The MLflow project: tar.gz, tgz, tar or zip. Instead of a file, the digest of a project that was sent before, as text.'
})

const closed = { additionalProperties: false }

export const SubmissionForm = Type.Object(
  { project: archive, path, ...fields },
  {
    ...closed,
    $id: 'SubmissionForm',
    description: 'Parts may come in any order; JSON values as JSON text.'
  }
)

export const Submission = Type.Object(
  { project: digest, path, ...fields },
  { ...closed, $id: 'Submission', description: 'A job of a project that was sent before.' }
)

/** Of a job that is run again. */
export const Overrides = Type.Object(fields, { ...closed, $id: 'Overrides' })

const jobs = Type.Array(Type.Object(fields, closed), {
  minItems: 1,
  maxItems: batchLimit,
  description: 'A job each; what it says goes over what stands beside.',
  examples: [[{ parameters: { alpha: 0.1 } }, { parameters: { alpha: 0.5 } }]]
})

export const BatchForm = Type.Object(
  { project: archive, path, ...fields, jobs },
  { ...closed, $id: 'BatchForm' }
)

export const BatchSubmission = Type.Object(
  { project: digest, path, ...fields, jobs },
  { ...closed, $id: 'BatchSubmission' }
)

export const Batch = Type.Object(
  {
    id: Type.String(),
    items: Type.Array(Ref(Job), { description: 'In the order in which they were given.' }),
    links: Type.Object({ jobs: Type.String({ description: 'The list of these jobs.' }) })
  },
  { $id: 'Batch', description: 'Jobs that were submitted together.' }
)
export type Batch = Static<typeof Batch>

export const JobPreview = Type.Object(
  {
    ...Type.Pick(Job, [
      'name',
      'project',
      'entryPoint',
      'parameters',
      'environment',
      'inputs',
      'tags',
      'warnings'
    ]).properties,
    run: Ref(RunOptions),
    resources: Type.Unsafe<Resources>({
      ...Ref(Resources),
      description:
        'What the job would run on, and for how long at most: the operator’s defaults are applied.'
    }),
    backend: Type.Object({ name: Type.String() })
  },
  { $id: 'JobPreview', description: 'A job as it would be.' }
)
export type JobPreview = Static<typeof JobPreview>

export const BatchPreview = Type.Object(
  { items: Type.Array(Ref(JobPreview)) },
  { $id: 'BatchPreview' }
)

export const submissionSchemas = [
  SubmissionForm,
  Submission,
  Overrides,
  BatchForm,
  BatchSubmission,
  Batch,
  JobPreview,
  BatchPreview
]

/** A request's body in one form or the other. */
export const bodies = (form: TObject | undefined, json: TObject) => ({
  content: {
    ...(form ? { 'multipart/form-data': { schema: Ref(form) } } : {}),
    'application/json': { schema: Ref(json) }
  }
})

export const described = <Schema extends TSchema & { $id?: string }>(
  schema: Schema,
  description: string,
  headers?: object
) =>
  Type.Unsafe<Static<Schema>>({
    ...Ref(schema),
    description,
    ...(headers && { headers })
  })

export const location = {
  Location: { type: 'string', description: 'The address of what was made.' }
}
