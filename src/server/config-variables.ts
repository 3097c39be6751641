/** The environment variables that configure the service: the one schema, from which the README's table is made. */
import { Type } from 'typebox'
import { defaultLimits } from './projects/project-limits.ts'

const aDay = 24 * 60 * 60
const most = Number.MAX_SAFE_INTEGER

/** It ends where a name ends: the beginning of one tenant’s name may be another’s. */
const arnPrefix =
  'arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:([A-Za-z0-9_+=.@/{}-]*/)?'

/**
 * Beside JSON Schema's own words: `right` says what a fitting value is, where the schema alone does not; `secret` values are
 * not shown in messages, and may come from a file; `otherwise` is the default where it is no plain value.
 */
export const Variables = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    description:
      'Address to listen on. `localhost` is 127.0.0.1. Any but a loopback address needs callers that are known (`API_KEYS_FILE`, `OIDC_ISSUER`), or `ALLOW_UNAUTHENTICATED`.'
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
  API_KEYS_FILE: Type.Optional(
    Type.String({
      otherwise: 'none',
      description:
        'File of API keys, as hashes; `npm run keys -- add NAME` adds one and prints it. It may also say what single tenants may have (docs/callers.md). Read again when it changes. Without it and `OIDC_ISSUER` nobody is asked who they are.'
    })
  ),
  OIDC_ISSUER: Type.Optional(
    Type.String({
      pattern: '^(https://[^\\s?#]+|http://(localhost|127\\.0\\.0\\.1)(:\\d+)?(/[^\\s?#]*)?)$',
      right: 'an https address such as https://login.example.com/realms/ml',
      otherwise: 'none',
      description:
        'OpenID Connect issuer whose access tokens are taken, beside API keys. Scopes are `mlflow-jobs:read`, `mlflow-jobs:submit` and `mlflow-jobs:admin`.'
    })
  ),
  OIDC_AUDIENCE: Type.String({
    default: 'mlflow-jobs',
    description: 'What tokens of `OIDC_ISSUER` must have as audience.'
  }),
  OIDC_TENANT_CLAIM: Type.String({
    default: 'tenant',
    description: 'The claim of such tokens that names the tenant.'
  }),
  UNAUTHENTICATED_PER_MINUTE: Type.Integer({
    default: 300,
    minimum: 1,
    maximum: most,
    description:
      'Most unauthenticated requests in a minute from one address; beyond it they are a 429 instead of a 401. Authenticated ones are not refused for it.'
  }),
  TRUSTED_PROXIES: Type.Optional(
    Type.String({
      otherwise: 'none',
      description:
        'Addresses and networks of proxies, parted by commas, whose `X-Forwarded-For` says from where a request comes. Name none that others can send from.'
    })
  ),
  TENANT_REQUESTS_PER_MINUTE: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      otherwise: 'any',
      description:
        'Most requests of all callers of one tenant in a minute, of each service; beyond it they are a 429.'
    })
  ),
  TENANT_MAX_UPLOADS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      otherwise: 'any',
      description:
        'Most submissions of one tenant that are read and checked at once; beyond it they are a 429.'
    })
  ),
  TENANT_MAX_QUEUED_JOBS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      otherwise: 'any',
      description:
        'Most jobs of one tenant that wait for their start; beyond it submissions are a 429.'
    })
  ),
  TENANT_MAX_RUNNING_JOBS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      otherwise: 'any',
      description:
        'Most jobs of one tenant that are in progress at once; others of it wait as `queued`, and those of other tenants pass them.'
    })
  ),
  CORS_ORIGINS: Type.Optional(
    Type.String({
      pattern: '^(\\*|https?://[^\\s/,]+( *, *https?://[^\\s/,]+)*)$',
      right: 'origins parted by commas, such as https://ml.example.com, or *',
      otherwise: 'none',
      description:
        'Origins of web pages that may call the service, parted by commas; `*` lets in every page that its users look at.'
    })
  ),
  DATA_DIR: Type.String({
    default: './data',
    description: 'Folder of everything that the service keeps on this machine.'
  }),
  BACKEND: Type.Enum(['local', 'sagemaker'], {
    default: 'local',
    description:
      'Where jobs run: `local` is this machine, `sagemaker` are Amazon SageMaker training jobs.'
  }),
  SECRET_ROOTS: Type.Optional(
    Type.String({
      pattern: '^/[^,]*( *, */[^,]*)*$',
      right: 'absolute paths parted by commas, such as /run/secrets/{tenant}',
      otherwise: 'none',
      description:
        'Folders, parted by commas, of the files that callers may name as secrets of local jobs (`{"valueFrom": "file:///..."}` in `environment`). `{tenant}` stands for the caller’s tenant.'
    })
  ),
  SECRET_ARN_PREFIXES: Type.Optional(
    Type.String({
      pattern: `^${arnPrefix}( *, *${arnPrefix})*$`,
      right:
        'beginnings of ARNs up to a "/", parted by commas, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-jobs/{tenant}/',
      otherwise: 'none',
      description:
        'What the ARNs of those secrets in AWS Secrets Manager begin with that callers may name for SageMaker jobs, parted by commas. `{tenant}` stands for the caller’s tenant.'
    })
  ),
  INPUT_ROOTS: Type.Optional(
    Type.String({
      pattern: '^(/|s3://[a-z0-9][^,/]*/)[^,]*( *, *(/|s3://[a-z0-9][^,/]*/)[^,]*)*$',
      right: 'absolute paths and s3://bucket/prefix/, parted by commas',
      otherwise: 'none',
      description:
        'Where the data is that callers may name in `inputs`, parted by commas: folders of this machine for local jobs, `s3://bucket/prefix/` for SageMaker. `{tenant}` stands for the caller’s tenant. Without it local jobs get none, and SageMaker jobs none where callers are asked who they are, else what their role may read.'
    })
  ),
  STORAGE: Type.Enum(['filesystem', 's3'], {
    default: 'filesystem',
    description:
      'Where projects and models are kept: `filesystem` is `DATA_DIR`, `s3` is `S3_BUCKET`. `BACKEND=sagemaker` needs `s3`.'
  }),
  S3_BUCKET: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
      right: "a bucket's name, such as my-training-bucket",
      otherwise: 'none',
      description:
        'The bucket, for `STORAGE=s3`. Region, credentials and endpoints are those that the AWS SDK finds (`AWS_REGION`, `AWS_ENDPOINT_URL_S3` and others).'
    })
  ),
  S3_PREFIX: Type.Optional(
    Type.String({
      pattern: '^([A-Za-z0-9_-][A-Za-z0-9._-]*/)+$',
      right: 'folders that end in "/", such as mlflow-jobs/',
      otherwise: 'none',
      description: 'What all keys in the bucket begin with, such as `mlflow-jobs/`.'
    })
  ),
  SAGEMAKER_ROLE_ARN: Type.Optional(
    Type.String({
      pattern: '^arn:aws[a-z-]*:iam::\\d{12}:role/?([a-zA-Z_0-9+=,.@_/-]|\\{tenant\\})+$',
      right: "a role's ARN, such as arn:aws:iam::123456789012:role/training",
      otherwise: 'none',
      description:
        'The role that training jobs take on; needed for `BACKEND=sagemaker`. `{tenant}` in it stands for the caller’s tenant: each then has a role of its own.'
    })
  ),
  SAGEMAKER_IMAGE_URI: Type.Optional(
    Type.String({
      pattern: '^\\S{1,255}$',
      right: "an image's URI of at most 255 characters",
      otherwise: 'none',
      description:
        'The image of `Dockerfile.train`, or one derived from it; needed for `BACKEND=sagemaker`.'
    })
  ),
  SAGEMAKER_INSTANCE_TYPE: Type.String({
    default: 'ml.m5.xlarge',
    description: 'Instance type of jobs that name none in `resources`.'
  }),
  SAGEMAKER_INSTANCE_COUNT: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 100,
    description: 'Number of instances of jobs that name none.'
  }),
  SAGEMAKER_VOLUME_SIZE_GB: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 16_384,
    description: 'Size of the ML volume of jobs that name none.'
  }),
  SAGEMAKER_MAX_RUNTIME_SECONDS: Type.Integer({
    default: aDay,
    minimum: 1,
    maximum: 28 * aDay,
    description: 'After that time a job that names none is stopped, and has failed.'
  }),
  SAGEMAKER_SPOT: Type.Boolean({
    default: false,
    description:
      'Managed spot training for jobs that do not say; checkpoints are kept in the bucket.'
  }),
  SAGEMAKER_KEEP_ALIVE_SECONDS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 21_600,
    description: 'How long instances stay warm for a next job (warm pools have their own quota).'
  }),
  SAGEMAKER_MAX_RETRIES: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 30,
    description: 'How often SageMaker starts a job again after an internal error of its own.'
  }),
  SAGEMAKER_SUBNETS: Type.Optional(
    Type.String({
      pattern: '^[-0-9a-zA-Z]{1,32}(,[-0-9a-zA-Z]{1,32}){0,15}$',
      right: 'at most 16 subnets, parted by commas',
      otherwise: 'none',
      description: 'Subnets of the VPC that jobs run in, parted by commas.'
    })
  ),
  SAGEMAKER_SECURITY_GROUP_IDS: Type.Optional(
    Type.String({
      pattern: '^[-0-9a-zA-Z]{1,32}(,[-0-9a-zA-Z]{1,32}){0,4}$',
      right: 'at most 5 security groups, parted by commas',
      otherwise: 'none',
      description: 'Security groups in the VPC, parted by commas; with `SAGEMAKER_SUBNETS`.'
    })
  ),
  SAGEMAKER_VOLUME_KMS_KEY: Type.Optional(
    Type.String({
      maxLength: 2048,
      right: 'a key of at most 2048 characters',
      otherwise: 'none',
      description:
        'KMS key of the ML volumes. Left out for instance types with local NVMe storage (such as `ml.g5`), which SageMaker encrypts by hardware and takes no key for.'
    })
  ),
  SAGEMAKER_OUTPUT_KMS_KEY: Type.Optional(
    Type.String({
      maxLength: 2048,
      right: 'a key of at most 2048 characters',
      otherwise: 'none',
      description: 'KMS key with which models are written to the bucket.'
    })
  ),
  SAGEMAKER_NETWORK_ISOLATION: Type.Boolean({
    default: false,
    description:
      'Jobs without any network. Everything that they need must then be in the image (`envManager: local`).'
  }),
  SAGEMAKER_ENCRYPT_TRAFFIC: Type.Boolean({
    default: false,
    description: 'Encrypts what the instances of one job send each other.'
  }),
  SAGEMAKER_TAGS: Type.Optional(
    Type.String({
      otherwise: 'none',
      description: 'Tags of every training job, as a JSON object of strings.'
    })
  ),
  SAGEMAKER_METRICS: Type.Optional(
    Type.String({
      otherwise: 'none',
      description:
        'Metrics that SageMaker finds in the log, as a JSON object of name and regular expression.'
    })
  ),
  SAGEMAKER_POLL_SECONDS: Type.Integer({
    default: 15,
    minimum: 1,
    maximum: 600,
    description: 'How often SageMaker is asked for what has changed, for all jobs at once.'
  }),
  DATABASE_URL: Type.String({
    default: 'sqlite:',
    pattern: '^(sqlite:|postgres(ql)?://\\S+)$',
    right: '"sqlite:", or an address such as postgres://user:password@host:5432/database',
    secret: true,
    description:
      'Where jobs are recorded: `sqlite:` is the file `jobs.db` in `DATA_DIR`; `postgres://user:password@host:5432/database` lets several services share them, with `STORAGE=s3` and `BACKEND=sagemaker`. `DATABASE_URL_FILE` names a file that holds the value.'
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
  LOCAL_STANDBY: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 16,
      otherwise: 'one, where 2 GiB are free',
      description:
        'How many processes wait for the next local jobs with MLflow imported, of about 250 MiB each. They are for the tenant that had the last job, and used by one job each.'
    })
  ),
  LOCAL_MAX_MEMORY_MB: Type.Optional(
    Type.Integer({
      minimum: 64,
      maximum: 16_777_216,
      otherwise: 'nine tenths of the machine’s',
      description:
        'Most memory, in MiB, that the processes of one local job may use together, on Linux; what jobs get that ask for no `memoryMb`.'
    })
  ),
  LOCAL_MAX_CPUS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 4096,
      otherwise: 'all cores',
      description:
        'On how many cores one local job is put at most, on Linux; what jobs get that ask for no `cpus`.'
    })
  ),
  LOCAL_MAX_PROCESSES: Type.Integer({
    default: 4096,
    minimum: 16,
    maximum: 4_194_304,
    description: 'Most processes and threads that one local job may have at once, on Linux.'
  }),
  LOCAL_MAX_LOG_BYTES: Type.Integer({
    default: 1024 ** 3,
    minimum: 4096,
    maximum: most,
    description: 'A local job that prints more than this is ended, and has failed.'
  }),
  LOCAL_SANDBOX: Type.Enum(['auto', 'bwrap', 'none'], {
    default: 'auto',
    description:
      'Whether local jobs are walled in by bubblewrap: `auto` does so where it works, and says so in the log where it does not; with `bwrap` the service does not start then; `none` leaves it.'
  }),
  LOCAL_READABLE: Type.Optional(
    Type.String({
      pattern: '^/[^:]*(:/[^:]*)*$',
      right: 'absolute paths parted by colons, such as /datasets:/srv/models',
      otherwise: 'none',
      description:
        'Folders of this machine that local jobs may read from within the sandbox, parted by colons.'
    })
  ),
  LOCAL_WRITABLE: Type.Optional(
    Type.String({
      pattern: '^/[^:]*(:/[^:]*)*$',
      right: 'absolute paths parted by colons, such as /scratch',
      otherwise: 'none',
      description:
        'Folders that they may write, too: whatever one job leaves there, all others find. No file there can be longer than the room that is left in `DATA_DIR`. They must be apart from those of `INPUT_ROOTS` and `SECRET_ROOTS`.'
    })
  ),
  LOCAL_USER: Type.Optional(
    Type.String({
      pattern: '^([a-z_][a-z0-9_.-]*|[1-9]\\d*:[1-9]\\d*)$',
      right: "a user's name, or numbers such as 10001:10001",
      otherwise: 'the service’s own',
      description:
        'The user that local jobs run as, where the service is root: a name, or `UID:GID`, and not root. What earlier jobs of another user left in the folders of tenants is handed over to it. It needs the sandbox, and must be able to read the files of secrets and what `INPUT_ROOTS` and `LOCAL_READABLE` name, and to write what `LOCAL_WRITABLE` names.'
    })
  ),
  MLFLOW_TRACKING_URI: Type.Optional(
    Type.String({
      pattern: '^([A-Za-z][A-Za-z0-9+.-]*:.+|databricks)$',
      right: 'a URI with its scheme, such as http://127.0.0.1:5000',
      otherwise: 'managed',
      description:
        'Where jobs log. Without it the service keeps an MLflow server on loopback over `DATA_DIR`; with `BACKEND=sagemaker`, runs are then only in what a job leaves. There it may be the ARN of a managed MLflow. A database of this machine (`sqlite:`) must be in a folder of its own, all of which local jobs write.'
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
  MAX_CONNECTIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: most,
    description:
      'Most connections at once; one more is closed without an answer. The system must allow the service so many open files.'
  }),
  MAX_UPLOADS: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: most,
    description: 'Most submissions that are read and checked at once; beyond it they are a 503.'
  }),
  MAX_DOWNLOADS: Type.Integer({
    default: 128,
    minimum: 1,
    maximum: most,
    description:
      'Most models, files of models and stored projects that are read at once for callers; beyond it they are a 503.'
  }),
  MAX_WAITERS: Type.Integer({
    default: 2000,
    minimum: 1,
    maximum: most,
    description: 'Most requests that wait for a job at once; beyond it they are a 429.'
  }),
  MAX_FOLLOWERS: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: most,
    description: 'Most requests that follow a log at once; beyond it they are a 429.'
  }),
  MAX_QUEUED_JOBS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: most,
    description: 'Most jobs that wait for their start; beyond it submissions are a 503.'
  }),
  MIN_FREE_BYTES: Type.Integer({
    default: 2 ** 30,
    minimum: 0,
    maximum: most,
    description:
      'Room on the disk of `DATA_DIR` that is kept for running jobs: submissions that would take of it, together with what is still to come of those under way, are a 503. When a quarter of it is left, a local job that holds as much itself is ended.'
  }),
  SLOW_CLIENT_SECONDS: Type.Integer({
    default: 120,
    minimum: 1,
    maximum: aDay,
    description:
      'A client that in this time sends less than 64 KiB of an unfinished body, or takes nothing of an answer that lies ready, is cut off.'
  }),
  KEEP_JOBS_SECONDS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 36_500 * aDay,
      otherwise: 'for ever',
      description:
        'How long a job is kept after its end was recorded; then its record, log, metrics and model are deleted.'
    })
  ),
  KEEP_JOBS_BYTES: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: most,
      otherwise: 'any',
      description:
        'How much all jobs that have ended may have left together: the oldest are deleted until the others fit. None is within an hour of its recorded end.'
    })
  ),
  KEEP_PROJECT_SECONDS: Type.Integer({
    default: 7 * aDay,
    minimum: 0,
    maximum: most,
    description: 'How old a project must be to be deleted when no job needs it (any more).'
  }),
  KEEP_PROJECT_BYTES: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: most,
      otherwise: 'any',
      description:
        'How much all projects that no job needs may have together: those that were sent longest ago are deleted until the others fit. None is within an hour of when it was sent.'
    })
  ),
  KEEP_ENVIRONMENTS_SECONDS: Type.Integer({
    default: 30 * aDay,
    minimum: 0,
    maximum: 36_500 * aDay,
    description:
      'How long the environment of a project is kept on this machine after a job used it last; so are the packages and interpreters that it was built from.'
  }),
  KEEP_ENVIRONMENTS_BYTES: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: most,
      otherwise: 'any',
      description:
        'How much all of these may have together. What is beyond is deleted: the packages first, then the environments that were used longest ago. What running jobs use stays.'
    })
  ),
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
    description:
      'Most bytes that a byte of the archive may unpack to, wherever reading stands, once more than 64 MiB are unpacked.'
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
  }),
  CLOSE_DELAY_SECONDS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: aDay,
    description:
      'Time from SIGTERM, when `/readyz` says no, until no more connections are taken: for load balancers to notice.'
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
