/** Where a job's results came from, as the API shows it. */
import { type Static, Type } from 'typebox'
import { Package } from '../../contract/environment-lock.ts'
import { lockDigest } from '../../contract/lock-digest.ts'
import { rawParameters } from '../../contract/parameters.ts'
import type { RunReport } from '../../contract/run-report.ts'
import { Resources } from '../backends/index.ts'
import type { JobRecord } from '../jobs/job.ts'
import { presentJob } from './present-job.ts'
import { Digest, Job, Nullable, Ref, Scalar, Texts, Time } from './schemas.ts'

export const Phase = Type.Object(
  {
    name: Type.String({
      description:
        'code: the project was unpacked; mlflow: the run was made; environment: it was prepared; program: it ran; results: what was logged was gathered.',
      examples: ['program']
    }),
    startedAt: Time,
    seconds: Type.Number()
  },
  { $id: 'Phase', description: 'A part of the time that the job took where it ran.' }
)

export const ProjectFile = Type.Object(
  {
    path: Type.String({ examples: ['train.py'] }),
    sizeBytes: Type.Integer({ minimum: 0, format: 'int64' }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    executable: Type.Boolean()
  },
  { $id: 'ProjectFile', description: 'A file of a project.' }
)
type ProjectFile = Static<typeof ProjectFile>

export const EnvironmentLock = Type.Object(
  {
    manager: Type.Enum(['local', 'uv', 'conda'], {
      type: 'string',
      description: 'What built it; local: nothing was built.'
    }),
    python: Nullable(Type.String({ examples: ['3.11.9'] })),
    packages: Nullable(
      Type.Array(Ref(Package), {
        description: 'All packages as they were installed, by name; null: they could not be read.'
      })
    ),
    digest: Nullable(Digest('Of Python’s version and all packages: equal for equal environments.')),
    file: Nullable(
      Type.Object(
        { path: Type.String({ examples: ['conda.yaml'] }), digest: Digest('Of the file’s bytes.') },
        { description: 'The project’s environment file; null where it names none.' }
      )
    )
  },
  { $id: 'EnvironmentLock', description: 'What the program ran with.' }
)

export const Provenance = Type.Object(
  {
    job: Type.String({ examples: ['job-01k9zq3v8m2f7x5c6d4b1a0e9g'] }),
    rerunOf: Nullable(Type.String({ description: 'The job that this one repeats.' })),
    batch: Nullable(Type.String({ description: 'The batch that it came in.' })),
    project: Type.Object({
      digest: Digest('SHA-256 of the project’s file tree.'),
      name: Nullable(Type.String()),
      path: Type.String({ description: 'The project’s folder in the archive; empty: its root.' }),
      gitCommit: Nullable(Type.String({ description: 'Of the archive’s .git folder.' })),
      files: Nullable(
        Type.Array(Ref(ProjectFile), {
          description: 'All that the digest is of, in its order; null: the project is not there.'
        })
      )
    }),
    entryPoint: Type.String(),
    command: Nullable(
      Type.String({
        description: 'The entry point’s, with its placeholders; null for a script.',
        examples: ['python train.py --alpha {alpha}']
      })
    ),
    parameters: Type.Unsafe<Record<string, unknown>>(
      Type.Record(Type.String(), Scalar, { description: 'Defaults included.' })
    ),
    defaults: Type.Array(Type.String(), {
      description: 'The parameters that were not given, but had their default.'
    }),
    environment: Nullable(Ref(EnvironmentLock)),
    runtime: Nullable(
      Type.Object(
        {
          version: Type.String({ examples: ['0.1.0'] }),
          image: Nullable(
            Type.String({ description: 'Version of the training image; null outside of one.' })
          ),
          os: Type.String({ examples: ['linux'] }),
          arch: Type.String({ examples: ['x64'] })
        },
        { description: 'What ran the project, and on what.' }
      )
    ),
    service: Type.Object({
      version: Nullable(Type.String({ description: 'Of the service that accepted the job.' }))
    }),
    run: Job.properties.run,
    backend: Job.properties.backend,
    resources: Ref(Resources),
    inputs: Texts('Input channel → URI of its data.'),
    createdAt: Time,
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    phases: Type.Array(Ref(Phase))
  },
  { $id: 'Provenance', description: 'All that a result hangs on, as far as it is known.' }
)
export type Provenance = Static<typeof Provenance>

export const provenanceSchemas = [Package, Phase, ProjectFile, EnvironmentLock, Provenance]

/** `report` is absent until the job has ended, and where it left none. */
export function presentProvenance(
  job: JobRecord,
  report: RunReport | undefined,
  files: ProjectFile[] | undefined
): Provenance {
  const { run, backend, resources, inputs } = presentJob(job)
  const given = new Set(Object.keys(job.parameters))
  return {
    job: job.id,
    rerunOf: job.rerunOf,
    batch: job.batch,
    project: { ...job.project, files: files ? inOrder(files) : null },
    entryPoint: job.entryPoint,
    command: report?.command ?? null,
    parameters: rawParameters({ ...job.defaults, ...job.parameters }),
    defaults: Object.keys(job.defaults).filter(name => !given.has(name)),
    environment: lockOf(report?.environment),
    runtime: report?.runtime ?? null,
    service: { version: job.serviceVersion },
    run,
    backend,
    resources,
    inputs,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    phases: report?.phases ?? []
  }
}

/** By the bytes of their paths, as the digest takes them. */
const inOrder = (files: ProjectFile[]) =>
  files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))

function lockOf(environment: RunReport['environment'] | undefined): Provenance['environment'] {
  if (!environment) return null
  const { manager, python, packages = null, file = null } = environment
  return { manager, python, packages, digest: packages && lockDigest(python, packages), file }
}
