/** What the API says of projects. */
import { type Static, Type } from 'typebox'
import { Digest, Nullable, Time } from './schemas.ts'

export const ProjectForm = Type.Object(
  {
    project: Type.Unsafe<Blob>({
      type: 'string',
      format: 'binary',
      description: 'The MLflow project: tar.gz, tgz, tar or zip.'
    }),
    path: Type.Optional(
      Type.String({
        description: 'Its folder, where it is not the root.',
        examples: ['examples/wine-quality']
      })
    )
  },
  { $id: 'ProjectForm', additionalProperties: false }
)

/** So many are named; `fileCount` says how many there are. */
export const filesNamed = 1000

export const ProjectDocument = Type.Object(
  {
    digest: Digest('SHA-256 of the file tree (docs/projects.md): sha256:<hex>.'),
    name: Nullable(Type.String()),
    path: Type.String({ description: 'The project’s folder in the archive; empty: its root.' }),
    sizeBytes: Type.Integer({ format: 'int64', description: 'Of the archive, as it is stored.' }),
    unpackedBytes: Type.Integer({ format: 'int64' }),
    fileCount: Type.Integer(),
    files: Type.Array(Type.String(), { description: `Paths; the first ${filesNamed}.` }),
    entryPoints: Type.Record(
      Type.String(),
      Type.Object({
        command: Type.String(),
        parameters: Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          additionalProperties: true,
          description:
            'A JSON Schema (draft 2020-12) of the field "parameters" of a submission: types, defaults, what is required.'
        })
      })
    ),
    environment: Type.Object(
      {
        kind: Type.Enum(['python_env', 'conda_env', 'none'], { type: 'string' }),
        file: Nullable(Type.String()),
        python: Nullable(Type.String({ description: 'As it is pinned.' })),
        requirements: Type.Array(Type.String())
      },
      { description: 'What the project says that it needs.' }
    ),
    warnings: Type.Array(Type.String()),
    storedAt: Time,
    links: Type.Object({ self: Type.String(), jobs: Type.String() })
  },
  { $id: 'Project', description: 'An MLflow project that is kept here.' }
)
export type ProjectDocument = Static<typeof ProjectDocument>

export const projectSchemas = [ProjectForm, ProjectDocument]
