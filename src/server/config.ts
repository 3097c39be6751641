/** The service's configuration: the environment, read once and checked as a whole. */
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { Value } from 'typebox/value'
import type { OidcConfig } from './callers/index.ts'
import {
  listOf,
  missingForAws,
  readObjects,
  type S3Config,
  type SagemakerConfig,
  s3Config,
  sagemakerConfig
} from './config-aws.ts'
import { faultsOfFolders } from './config-folders.ts'
import { faultsOfProxies, isLoopback } from './config-networks.ts'
import { type VariableSchema, Variables, variableSchemas } from './config-variables.ts'
import type { LocalLimits } from './local-limits.ts'
import type { OpenLimits } from './places.ts'
import type { ProjectLimits } from './projects/project-limits.ts'
import type { TenantLimits } from './tenant-limits.ts'

export interface Config {
  host: string
  port: number
  /** Somebody else guards the service: it may listen beyond loopback, and be known by other names. */
  allowUnauthenticated: boolean
  /** An absolute path. */
  apiKeysFile: string | undefined
  oidc: OidcConfig | undefined
  tenantLimits: TenantLimits
  unauthenticatedPerMinute: number
  /** Whose X-Forwarded-For is believed: addresses and networks, parted by commas. */
  trustedProxies: string | undefined
  /** Web pages that may call the service; "*" is all. */
  corsOrigins: string[]
  /** An absolute path. */
  dataDir: string
  backend: Variables['BACKEND']
  storage: Variables['STORAGE']
  /** Of PostgreSQL, which other services may use, too; without it jobs are recorded in a file of this service alone. */
  databaseUrl: string | undefined
  /** The operator's interpreter; without it one is prepared. */
  python: string | undefined
  localSlots: number
  /** undefined: as memory allows. */
  localStandby: number | undefined
  /** Of each local job. */
  localLimits: LocalLimits
  /** Where secrets of local jobs may be; `{tenant}` stands for the job's. */
  secretRoots: string[]
  /** Where the data of local jobs may be; likewise. */
  inputRoots: string[]
  localSandbox: Variables['LOCAL_SANDBOX']
  /** Absolute paths, for jobs in a sandbox. */
  localReadable: string[]
  localWritable: string[]
  localUser: string | undefined
  /** The operator's tracking server; without it one is kept. */
  mlflowTrackingUri: string | undefined
  logLevel: Variables['LOG_LEVEL']
  limits: ProjectLimits
  /** How many requests of a kind are worked on at once. */
  open: OpenLimits
  /** Of clients, at once. */
  connections: number
  queuedJobs: number
  minFreeBytes: number
  slowClientSeconds: number
  stopGraceSeconds: number
  /** Without it jobs are kept for ever. */
  keepJobsSeconds: number | undefined
  keepJobsBytes: number | undefined
  keepProjectSeconds: number
  keepProjectBytes: number | undefined
  keepEnvironmentsSeconds: number
  keepEnvironmentsBytes: number | undefined
  closeGraceSeconds: number
  closeDelaySeconds: number
  /** With what environments are built: package indexes, proxies, certificates. */
  buildEnvironment: Environment
  /** All of the service's own environment that reaches a job. */
  jobEnvironment: Environment
  /** Only of STORAGE=s3. */
  s3: S3Config | undefined
  /** Only of BACKEND=sagemaker. */
  sagemaker: SagemakerConfig | undefined
}

type Environment = Record<string, string>

const forBuilding =
  /^((PIP|UV|CONDA)_.*|.*_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)$/
const forJobs = /^(PATH|LANG|LC_.*|TZ)$/

/** Throws one error that names everything that is wrong. Other variables, and empty ones, count as not there. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const faults: string[] = []
  const given = withSecrets(clean(environment), faults)
  const values = Value.Default(Variables, readValues(given))
  // One by one: of a whole object TypeBox tells the first eight errors only.
  for (const [name, schema] of variableSchemas)
    if (name in given && !Value.Check(schema, readValue(given[name] ?? '', schema)))
      faults.push(faultOf(name, given[name], schema))
  const { HOST, ALLOW_UNAUTHENTICATED, API_KEYS_FILE, OIDC_ISSUER } = given
  const isGuarded = ALLOW_UNAUTHENTICATED === 'true' || API_KEYS_FILE || OIDC_ISSUER
  if (HOST && !isLoopback(HOST) && !isGuarded) faults.push(notLoopback(HOST))
  const objects = readObjects(given, faults)
  faults.push(...missingForAws(given))
  const { TRUSTED_PROXIES } = given
  if (TRUSTED_PROXIES !== undefined) faults.push(...faultsOfProxies(TRUSTED_PROXIES))
  faults.push(...faultsOfFolders(given))
  if (faults.length > 0 || !Value.Check(Variables, values)) throw configError(faults)
  return {
    // As a name it would be two servers with Node, of which Fastify hands out one: limits would not hold for the other.
    host: values.HOST === 'localhost' ? '127.0.0.1' : values.HOST,
    port: values.PORT,
    allowUnauthenticated: values.ALLOW_UNAUTHENTICATED,
    apiKeysFile: values.API_KEYS_FILE && resolve(values.API_KEYS_FILE),
    oidc: values.OIDC_ISSUER
      ? {
          issuer: values.OIDC_ISSUER,
          audience: values.OIDC_AUDIENCE,
          tenantClaim: values.OIDC_TENANT_CLAIM
        }
      : undefined,
    tenantLimits: {
      requestsPerMinute: values.TENANT_REQUESTS_PER_MINUTE ?? Infinity,
      uploads: values.TENANT_MAX_UPLOADS ?? Infinity,
      queuedJobs: values.TENANT_MAX_QUEUED_JOBS ?? Infinity,
      runningJobs: values.TENANT_MAX_RUNNING_JOBS ?? Infinity
    },
    unauthenticatedPerMinute: values.UNAUTHENTICATED_PER_MINUTE,
    trustedProxies: values.TRUSTED_PROXIES?.replaceAll(' ', ''),
    corsOrigins: listOf(values.CORS_ORIGINS),
    dataDir: resolve(values.DATA_DIR),
    backend: values.BACKEND,
    storage: values.STORAGE,
    databaseUrl: values.DATABASE_URL === 'sqlite:' ? undefined : values.DATABASE_URL,
    python: values.PYTHON,
    localSlots: values.LOCAL_SLOTS ?? Math.min(availableParallelism(), 4),
    localStandby: values.LOCAL_STANDBY,
    localLimits: {
      memoryMb: values.LOCAL_MAX_MEMORY_MB ?? mostMemoryMb(),
      cpus: values.LOCAL_MAX_CPUS,
      processes: values.LOCAL_MAX_PROCESSES,
      logBytes: values.LOCAL_MAX_LOG_BYTES,
      freeBytes: Math.floor(values.MIN_FREE_BYTES / 4)
    },
    inputRoots: listOf(values.INPUT_ROOTS)
      .filter(root => root.startsWith('/'))
      .map(root => resolve(root)),
    secretRoots: listOf(values.SECRET_ROOTS).map(root => resolve(root)),
    localSandbox: values.LOCAL_SANDBOX,
    localReadable: values.LOCAL_READABLE?.split(':') ?? [],
    localWritable: values.LOCAL_WRITABLE?.split(':') ?? [],
    localUser: values.LOCAL_USER,
    mlflowTrackingUri: values.MLFLOW_TRACKING_URI,
    logLevel: values.LOG_LEVEL,
    limits: {
      uploadBytes: values.MAX_UPLOAD_BYTES,
      files: values.MAX_PROJECT_FILES,
      depth: values.MAX_PROJECT_DEPTH,
      nameBytes: values.MAX_PROJECT_NAME_BYTES,
      pathBytes: values.MAX_PROJECT_PATH_BYTES,
      unpackedBytes: values.MAX_PROJECT_BYTES,
      ratio: values.MAX_PROJECT_RATIO
    },
    open: {
      uploads: values.MAX_UPLOADS,
      downloads: values.MAX_DOWNLOADS,
      waiters: values.MAX_WAITERS,
      followers: values.MAX_FOLLOWERS
    },
    connections: values.MAX_CONNECTIONS,
    queuedJobs: values.MAX_QUEUED_JOBS,
    minFreeBytes: values.MIN_FREE_BYTES,
    slowClientSeconds: values.SLOW_CLIENT_SECONDS,
    keepJobsSeconds: values.KEEP_JOBS_SECONDS,
    keepJobsBytes: values.KEEP_JOBS_BYTES,
    keepProjectSeconds: values.KEEP_PROJECT_SECONDS,
    keepProjectBytes: values.KEEP_PROJECT_BYTES,
    keepEnvironmentsSeconds: values.KEEP_ENVIRONMENTS_SECONDS,
    keepEnvironmentsBytes: values.KEEP_ENVIRONMENTS_BYTES,
    stopGraceSeconds: values.STOP_GRACE_SECONDS,
    closeGraceSeconds: values.CLOSE_GRACE_SECONDS,
    closeDelaySeconds: values.CLOSE_DELAY_SECONDS,
    buildEnvironment: pick(environment, forBuilding),
    jobEnvironment: pick(environment, forJobs),
    s3: s3Config(values, given),
    sagemaker: sagemakerConfig(values, objects)
  }
}

/** Of the machine, or of the container that this is: a tenth stays for the service and the tracking server. */
function mostMemoryMb(): number {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return Math.max(64, Math.floor((Math.min(limit, totalmem()) * 0.9) / 1024 ** 2))
}

/** Compose files and CI write NAME= for what they leave open, and editors leave spaces. */
const clean = (environment: Record<string, string | undefined>): Environment =>
  Object.fromEntries(
    Object.entries(environment)
      .map(([name, value]) => [name, value?.trim() ?? ''] as const)
      .filter(([, value]) => value !== '')
  )

/** A secret may come in a file that NAME_FILE names, as container platforms mount them. */
function withSecrets(environment: Environment, faults: string[]): Environment {
  const given = { ...environment }
  for (const [name, { secret }] of variableSchemas) {
    const file = environment[`${name}_FILE`]
    if (!secret || file === undefined) continue
    if (name in environment) faults.push(`${name} and ${name}_FILE are both set: it must be one.`)
    try {
      given[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      faults.push(
        `${name}_FILE is ${JSON.stringify(file)}: it must be a file that can be read (${code}).`
      )
    }
  }
  return given
}

const readValues = (given: Environment): Record<string, unknown> =>
  Object.fromEntries(
    variableSchemas
      .filter(([name]) => name in given)
      .map(([name, schema]) => [name, readValue(given[name] ?? '', schema)])
  )

/** Only plain text counts as a number or as true: TypeBox's own conversion takes 8080.7 for 8080. */
function readValue(text: string, { type }: VariableSchema): unknown {
  if (type === 'integer' && /^-?\d+$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  return text
}

function faultOf(name: string, text: string | undefined, schema: VariableSchema): string {
  const value = schema.secret ? 'set to what is not shown here' : JSON.stringify(text)
  return `${name} is ${value}: it must be ${rightValue(schema)}.`
}

function rightValue({ right, type, minimum, maximum, enum: values = [] }: VariableSchema): string {
  if (right) return right
  if (type === 'boolean') return 'true or false'
  if (type === 'integer')
    return `a whole number ${maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`}`
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(values)
}

const notLoopback = (host: string) =>
  `HOST is ${JSON.stringify(host)}: it must be a loopback address such as 127.0.0.1, for nobody is asked who they are, and who reaches the service can run code on this machine. Give out API keys (API_KEYS_FILE), or, where something else keeps strangers out (a container, a private network), set ALLOW_UNAUTHENTICATED to true.`

export const configError = (faults: string[]) =>
  new Error(['The configuration is wrong:', ...faults.map(fault => `  ${fault}`)].join('\n'))

const pick = (environment: Record<string, string | undefined>, names: RegExp): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => names.test(entry[0]) && entry[1] !== undefined
    )
  )
