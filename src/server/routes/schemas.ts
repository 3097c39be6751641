/** What the API answers. Types are made from these schemas, and openapi.yaml is. */
import { type Static, type TSchema, Type } from 'typebox'
import { Fault } from '../../contract/fault.ts'
import {
  ChildRun,
  Failure,
  LoggedModel,
  MetricPoint,
  MetricValue,
  ModelFile
} from '../../contract/run-report.ts'
import { Resources } from '../backends/index.ts'
import { EnvironmentValue } from '../jobs/environment.ts'
import { JobStatus, RunOptions, Transition } from '../jobs/job.ts'
import { digestPattern } from '../jobs/open-project.ts'

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Ref = <T extends TSchema & { $id?: string }>(schema: T) =>
  Type.Unsafe<Static<T>>(Type.Ref(schema.$id ?? ''))
export const Scalar = Type.Union([Type.String(), Type.Number({ format: 'double' }), Type.Boolean()])
export const Texts = (description: string) =>
  Type.Record(Type.String(), Type.String(), { description })
export const Digest = (description: string) =>
  Type.String({
    pattern: digestPattern.source,
    description,
    examples: [`sha256:${'9f86d081884c7d65'.repeat(4)}`]
  })
export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC.' })

export const Problem = Type.Object(
  {
    type: Type.String({
      format: 'uri-reference',
      description: 'Where the code is explained.',
      examples: ['/docs/errors#JOB_NOT_FOUND']
    }),
    title: Type.String({ description: 'What the code means, whatever the occurrence.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong, and what would be right.' }),
    code: Type.String({ description: 'Stable; what programs should look at.' }),
    instance: Type.String({ description: 'The request’s id, which the service’s log has, too.' }),
    errors: Type.Optional(Type.Array(Ref(Fault), { description: 'Every fault of what was sent.' }))
  },
  { $id: 'Problem', description: 'An error (RFC 9457).' }
)
export type Problem = Static<typeof Problem>

export const Job = Type.Object(
  {
    id: Type.String({ examples: ['job-01k9zq3v8m2f7x5c6d4b1a0e9g'] }),
    name: Nullable(Type.String()),
    status: Ref(JobStatus),
    terminal: Type.Boolean({ description: 'true: this job will never change again.' }),
    statusReason: Nullable(
      Type.String({ description: 'Why it waits, or why it ended as it did.' })
    ),
    project: Type.Object({
      digest: Digest('SHA-256 of the project’s file tree: sha256:<hex>.'),
      name: Nullable(Type.String()),
      path: Type.String({ description: 'The project’s folder in the archive; empty: its root.' })
    }),
    batch: Nullable(Type.String({ description: 'The batch that it was submitted in.' })),
    rerunOf: Nullable(Type.String({ description: 'The job that it repeats.' })),
    entryPoint: Type.String(),
    parameters: Type.Unsafe<Record<string, unknown>>(
      Type.Record(Type.String(), Scalar, { description: 'Defaults included.' })
    ),
    run: Nullable(
      Type.Object(
        {
          id: Type.String(),
          experimentId: Type.String(),
          experimentName: Nullable(Type.String()),
          trackingUri: Type.String()
        },
        { description: 'The MLflow run, as soon as it was made.' }
      )
    ),
    backend: Type.Object({
      name: Type.String(),
      status: Nullable(Type.String({ description: 'In the backend’s own words.' })),
      details: Type.Record(Type.String(), Type.String(), {
        description: 'More that the backend says of the job, such as a training job’s ARN.'
      })
    }),
    environment: Type.Record(Type.String(), Type.String(), {
      description:
        'Secrets, and what looks like one, are shown as ***; of one that is kept elsewhere, where that is.'
    }),
    resources: Ref(Resources),
    inputs: Type.Record(Type.String(), Type.String(), {
      description: 'Input channel → URI of its data.'
    }),
    tags: Type.Record(Type.String(), Type.String()),
    warnings: Type.Array(Type.String()),
    createdAt: Time,
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    billableSeconds: Nullable(
      Type.Integer({ description: 'What SageMaker bills, for one instance; null elsewhere.' })
    ),
    transitions: Type.Array(Ref(Transition)),
    failure: Nullable(Ref(Failure)),
    metrics: Type.Record(Type.String(), MetricValue, {
      description:
        'The last value of each metric, while the job runs some seconds late. On SageMaker they come while somebody reads the job’s log or its metrics.'
    }),
    model: Nullable(
      Type.Object({
        sizeBytes: Type.Integer({ format: 'int64', description: 'Of model.tar.gz.' }),
        fileCount: Type.Integer(),
        loggedModels: Type.Array(Ref(LoggedModel))
      })
    ),
    links: Type.Object({
      self: Type.String(),
      logs: Type.String(),
      metrics: Type.String(),
      model: Type.String(),
      modelFiles: Type.String(),
      project: Type.String(),
      provenance: Type.String(),
      stop: Type.String(),
      rerun: Type.String()
    })
  },
  { $id: 'Job', description: 'One run of one entry point of one project.' }
)
export type Job = Static<typeof Job>

export const JobList = Type.Object(
  {
    items: Type.Array(Ref(Job)),
    nextCursor: Nullable(Type.String({ description: 'Where the next page begins; null: no more.' }))
  },
  { $id: 'JobList' }
)

export const JobSummary = Type.Record(JobStatus, Type.Integer({ minimum: 0 }), {
  $id: 'JobSummary',
  description: 'How many jobs there are in each status.',
  examples: [
    { queued: 2, starting: 0, running: 1, stopping: 0, succeeded: 40, failed: 3, stopped: 0 }
  ]
})

export const Metrics = Type.Object(
  {
    metrics: Type.Record(Type.String(), MetricValue, { description: 'Last values.' }),
    history: Type.Record(Type.String(), Type.Array(Ref(MetricPoint))),
    childRuns: Type.Array(Ref(ChildRun))
  },
  {
    $id: 'Metrics',
    examples: [
      {
        metrics: { rmse: 0.79 },
        history: { rmse: [{ value: 0.79, step: 0, at: '2026-11-24T08:00:00.000Z' }] },
        childRuns: []
      }
    ]
  }
)

export const ModelFileItem = Type.Object(
  {
    ...ModelFile.properties,
    links: Type.Object({
      self: Type.String({
        description: 'Where the file’s bytes are.',
        examples: ['/jobs/job-01k9zq3v8m2f7x5c6d4b1a0e9g/model/files/model/MLmodel']
      })
    })
  },
  { $id: 'ModelFileItem', description: 'A file in model.tar.gz.' }
)

export const ModelFileList = Type.Object(
  {
    items: Type.Array(Ref(ModelFileItem)),
    nextCursor: Nullable(Type.String({ description: 'Where the next page begins; null: no more.' }))
  },
  { $id: 'ModelFileList' }
)

export const Health = Type.Object(
  { status: Type.Literal('ok') },
  { $id: 'Health', examples: [{ status: 'ok' }] }
)

const Check = Type.Object({
  ok: Type.Boolean(),
  detail: Nullable(Type.String({ description: 'What is wrong, or what is being prepared.' }))
})
export const Readiness = Type.Object(
  {
    ready: Type.Boolean({ description: 'true: submissions are accepted.' }),
    store: Check,
    storage: Check,
    disk: Check,
    process: Check,
    backend: Check,
    trackingUri: Nullable(Type.String({ description: 'Where to look at runs.' }))
  },
  {
    $id: 'Readiness',
    examples: [
      {
        ready: true,
        store: { ok: true, detail: null },
        storage: { ok: true, detail: null },
        disk: { ok: true, detail: null },
        process: { ok: true, detail: null },
        backend: { ok: true, detail: null },
        trackingUri: 'http://127.0.0.1:5000'
      }
    ]
  }
)

export type Readiness = Static<typeof Readiness>

export const sharedSchemas = [
  Fault,
  Problem,
  JobStatus,
  Transition,
  Failure,
  LoggedModel,
  ModelFileItem,
  MetricPoint,
  ChildRun,
  RunOptions,
  EnvironmentValue,
  Resources,
  Job,
  JobList,
  JobSummary,
  Metrics,
  ModelFileList,
  Health,
  Readiness
]

/** The error answers of an operation, for its documentation. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map(status => [
      status,
      {
        description: reasons[status] ?? 'Error',
        content: { 'application/problem+json': { schema: Ref(Problem) } }
      }
    ])
  )

const reasons: Record<number, string> = {
  400: 'The request cannot be read.',
  401: 'The service does not know who sends it. Only where callers are asked who they are.',
  403: 'The caller lacks the scope that it needs, or a browser sends it for a page of another site, which may not, or under a foreign name.',
  404: 'There is no such thing.',
  406: 'It is not there in any form that Accept allows.',
  408: 'The upload stood still for too long.',
  409: 'Not now: not in this status of the job, or while another request has the key.',
  413: 'Larger than the service’s limits.',
  415: 'Not a form, or not an archive that is read here.',
  416: 'The range lies outside the file.',
  422: 'The submission has faults; each is named.',
  429: 'More than this tenant, or this address, may ask for in this time; or as many wait or follow as the service holds.',
  503: 'The service is stopping, is full, or cannot reach its storage now; try again.'
}

export { Ref }
