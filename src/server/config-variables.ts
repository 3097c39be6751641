/** The environment variables that configure the service: the one schema, from which the README's table is made. */
import { Type } from 'typebox'
import { defaultLimits } from './projects/project-limits.ts'

const aDay = 24 * 60 * 60
const most = Number.MAX_SAFE_INTEGER

/**
 * Beside JSON Schema's own words: `right` says what a fitting value is, where the schema alone does not; `notYet` are
 * values of later versions; `secret` values are not shown in messages, and may come from a file; `otherwise` is the
 * default where it is no plain value.
 */
export const Variables = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address to listen on. Any but a loopback address needs `ALLOW_UNAUTHENTICATED`.'
  }),
  PORT: Type.Integer({
    default: 8080,
    minimum: 0,
    maximum: 65_535,
    description: 'Port to listen on; 0 takes a free one.'
  }),
  ALLOW_UNAUTHENTICATED: Type.Boolean({
    default: false,
    description:
      '`true` lets the service listen beyond loopback. Everybody who reaches it can then run code of their own as its user: for a container or a network that something else guards.'
  }),
  DATA_DIR: Type.String({
    default: './data',
    description: 'Folder of everything that the service keeps on this machine.'
  }),
  BACKEND: Type.Enum(['local'], {
    default: 'local',
    notYet: ['sagemaker'],
    description: 'Where jobs run: `local` is this machine.'
  }),
  STORAGE: Type.Enum(['filesystem'], {
    default: 'filesystem',
    notYet: ['s3'],
    description: 'Where projects and models are kept: `filesystem` is `DATA_DIR`.'
  }),
  DATABASE_URL: Type.String({
    default: 'sqlite:',
    pattern: '^sqlite:$',
    right: '"sqlite:", for no other database is available in this version',
    secret: true,
    description:
      'Where jobs are recorded: `sqlite:` is the file `jobs.db` in `DATA_DIR`. `DATABASE_URL_FILE` names a file that holds the value.'
  }),
  PYTHON: Type.Optional(
    Type.String({
      otherwise: 'managed',
      description:
        'Interpreter that has mlflow and uv. Without it the service prepares one in `DATA_DIR/python`, once.'
    })
  ),
  LOCAL_SLOTS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1024,
      otherwise: 'cores, at most 4',
      description: 'How many jobs run at once on this machine; others wait as `queued`.'
    })
  ),
  MLFLOW_TRACKING_URI: Type.Optional(
    Type.String({
      pattern: '^([A-Za-z][A-Za-z0-9+.-]*:.+|databricks)$',
      right: 'a URI with its scheme, such as http://127.0.0.1:5000',
      otherwise: 'managed',
      description:
        'Where jobs log. Without it the service keeps an MLflow server on loopback over `DATA_DIR`.'
    })
  ),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'The least severe level that is logged.'
  }),
  MAX_UPLOAD_BYTES: Type.Integer({
    default: defaultLimits.uploadBytes,
    minimum: 1,
    maximum: most,
    description: 'Largest archive of a project, as it is sent.'
  }),
  MAX_PROJECT_FILES: Type.Integer({
    default: defaultLimits.files,
    minimum: 1,
    maximum: most,
    description: 'Most files of a project.'
  }),
  MAX_PROJECT_DEPTH: Type.Integer({
    default: defaultLimits.depth,
    minimum: 1,
    maximum: most,
    description: 'Most folders above a file.'
  }),
  MAX_PROJECT_NAME_BYTES: Type.Integer({
    default: defaultLimits.nameBytes,
    minimum: 1,
    maximum: 255,
    description: 'Longest name of a file or folder; file systems take no longer ones.'
  }),
  MAX_PROJECT_PATH_BYTES: Type.Integer({
    default: defaultLimits.pathBytes,
    minimum: 1,
    maximum: 4096,
    description: "Longest path of a file, from the archive's root."
  }),
  MAX_PROJECT_BYTES: Type.Integer({
    default: defaultLimits.unpackedBytes,
    minimum: 1,
    maximum: most,
    description: 'Largest project, unpacked.'
  }),
  MAX_PROJECT_RATIO: Type.Integer({
    default: defaultLimits.ratio,
    minimum: 1,
    maximum: most,
    description: 'Most bytes that a byte of the archive may unpack to, beyond the first 64 MiB.'
  }),
  STOP_GRACE_SECONDS: Type.Integer({
    default: 120,
    minimum: 1,
    maximum: aDay,
    description: 'Time from asking a job to stop to killing it.'
  }),
  CLOSE_GRACE_SECONDS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: aDay,
    description: 'Time that open requests get to end when the service stops.'
  })
})
export type Variables = Type.Static<typeof Variables>

/** What the schema says of a variable, whatever its type. */
export interface VariableSchema {
  type?: string
  default?: unknown
  description?: string
  minimum?: number
  maximum?: number
  enum?: string[]
  right?: string
  notYet?: string[]
  secret?: boolean
  otherwise?: string
}

export const variableSchemas: [name: string, schema: VariableSchema][] = Object.entries(
  Variables.properties
)

/** A row for each variable, in the schema's order: the README's table. */
export const configTable = () =>
  variableSchemas.map(([name, schema]) => ({
    name,
    default: schema.otherwise ?? `\`${schema.default}\``,
    description: schema.description ?? ''
  }))
