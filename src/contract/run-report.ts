/**
 * The run report: what the runtime leaves for the service in output/data/run-report.json (so it travels
 * in output.tar.gz on SageMaker, too). The runtime writes it whole each time something is known:
 * first the run's id, at the end everything.
 */
import { type TSchema, Type } from 'typebox'
import { Package } from './environment-lock.ts'

/** JSON has no NaN and no infinities: such metrics are written by name. */
export const MetricValue = Type.Union([
  Type.Number({ format: 'double' }),
  Type.Enum(['NaN', 'Infinity', '-Infinity'], { type: 'string' })
])
export type MetricValue = Type.Static<typeof MetricValue>

export const Failure = Type.Object(
  {
    kind: Type.Enum(['user', 'platform', 'capacity', 'timeout', 'stopped'], {
      type: 'string',
      description:
        "Whose fault: the user's code, the service or its backend, missing capacity, a time limit, a stop."
    }),
    type: Type.Union([Type.String(), Type.Null()], {
      description: "The exception's class, such as ValueError; null where there was none."
    }),
    message: Type.String({ description: "The exception's message, or what went wrong in words." }),
    file: Type.Union([Type.String(), Type.Null()], {
      description: "Where it was raised, relative to the project's root."
    }),
    line: Type.Union([Type.Integer(), Type.Null()]),
    traceback: Type.Union([Type.String(), Type.Null()], {
      description: 'The end of the traceback, at most 8 KiB.'
    }),
    exitCode: Type.Union([Type.Integer(), Type.Null()], {
      description: "The program's exit code; 128 + n where signal n ended it."
    })
  },
  { $id: 'Failure', description: 'Why a job failed.' }
)
export type Failure = Type.Static<typeof Failure>

export const MetricPoint = Type.Object(
  {
    value: MetricValue,
    step: Type.Integer(),
    at: Type.String({ format: 'date-time', description: 'When it was logged (RFC 3339, UTC).' })
  },
  { $id: 'MetricPoint' }
)
export type MetricPoint = Type.Static<typeof MetricPoint>

export const ModelFile = Type.Object(
  {
    path: Type.String({ description: 'Path inside model.tar.gz.' }),
    sizeBytes: Type.Integer({ minimum: 0, format: 'int64' }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' })
  },
  { $id: 'ModelFile' }
)
export type ModelFile = Type.Static<typeof ModelFile>

export const LoggedModel = Type.Object(
  {
    name: Type.String(),
    modelId: Type.Union([Type.String(), Type.Null()], {
      description: "MLflow 3's logged model id; null for a model among the run's artifacts."
    }),
    runId: Type.String({ description: 'The run that logged it: the job’s run or a child run.' }),
    path: Type.String({ description: 'Folder inside model.tar.gz that holds its MLmodel file.' })
  },
  { $id: 'LoggedModel' }
)
export type LoggedModel = Type.Static<typeof LoggedModel>

export const ChildRun = Type.Object(
  {
    id: Type.String(),
    parentId: Type.String(),
    name: Type.Union([Type.String(), Type.Null()]),
    status: Type.String({ description: 'MLflow’s run status, such as FINISHED.' }),
    entryPoint: Type.Union([Type.String(), Type.Null()]),
    metrics: Type.Record(Type.String(), MetricValue),
    params: Type.Record(Type.String(), Type.String())
  },
  { $id: 'ChildRun' }
)
export type ChildRun = Type.Static<typeof ChildRun>

/** The runtime of an image may be older than the service: what came later may be missing. */
const Optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

export const RunReport = Type.Object({
  version: Type.Literal(1),
  run: Type.Union([
    Type.Null(),
    Type.Object({
      id: Type.String(),
      experimentId: Type.String(),
      experimentName: Type.Union([Type.String(), Type.Null()]),
      name: Type.Union([Type.String(), Type.Null()]),
      trackingUri: Type.String(),
      status: Type.String()
    })
  ]),
  metrics: Type.Record(Type.String(), MetricValue),
  metricHistory: Type.Record(Type.String(), Type.Array(MetricPoint)),
  params: Type.Record(Type.String(), Type.String()),
  tags: Type.Record(Type.String(), Type.String()),
  childRuns: Type.Array(ChildRun),
  models: Type.Array(LoggedModel),
  /** Every file of /opt/ml/model. */
  files: Type.Array(ModelFile),
  /** What the program ran in. */
  environment: Type.Union([
    Type.Null(),
    Type.Object({
      manager: Type.Enum(['local', 'uv', 'conda']),
      python: Type.Union([Type.String(), Type.Null()]),
      reused: Type.Boolean(),
      seconds: Type.Number(),
      /** The project's environment file, by its path in the code. */
      file: Optional(Type.Object({ path: Type.String(), digest: Type.String() })),
      /** As installed, sorted by name; null: they could not be read. */
      packages: Optional(Type.Array(Package))
    })
  ]),
  runtime: Optional(
    Type.Object({
      version: Type.String(),
      /** Of the training image; null outside of one. */
      image: Type.Union([Type.String(), Type.Null()]),
      os: Type.String(),
      arch: Type.String()
    })
  ),
  /** The entry point's command, with its placeholders. */
  command: Optional(Type.String()),
  failure: Type.Union([Failure, Type.Null()]),
  warnings: Type.Array(Type.String()),
  phases: Type.Array(
    Type.Object({ name: Type.String(), startedAt: Type.String(), seconds: Type.Number() })
  ),
  /** null while the job is still running. */
  exitCode: Type.Union([Type.Integer(), Type.Null()])
})
export type RunReport = Type.Static<typeof RunReport>
