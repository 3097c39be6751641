/** The part of the configuration that is for Amazon's services: what belongs together, and what is missing. */
import type { Variables } from './config-variables.ts'

export interface S3Config {
  bucket: string
  /** '' or folders that end in "/". */
  prefix: string
  /** Another store than Amazon's, which may know buckets by the path only. */
  customEndpoint: boolean
}

export interface SagemakerConfig {
  roleArn: string
  imageUri: string
  /** What jobs get that do not say. */
  defaults: {
    instanceType: string
    instanceCount: number
    volumeSizeGb: number
    maxRuntimeSeconds: number
    spot: boolean
    keepAliveSeconds: number
  }
  maxRetries: number
  vpc: { subnets: string[]; securityGroupIds: string[] } | undefined
  volumeKmsKey: string | undefined
  outputKmsKey: string | undefined
  networkIsolation: boolean
  encryptTraffic: boolean
  tags: Record<string, string>
  /** Metric -> regular expression. */
  metrics: Record<string, string>
  pollSeconds: number
  /** What the ARNs of secrets that jobs may read begin with; `{tenant}` stands for a job's. */
  secretArnPrefixes: string[]
  /** What the URIs of their inputs begin with; likewise. undefined: whatever their role may read. */
  inputRoots: string[] | undefined
}

type Environment = Record<string, string>

/** The variables that are JSON objects of strings. */
const objectVariables = ['SAGEMAKER_TAGS', 'SAGEMAKER_METRICS'] as const
type Objects = Record<(typeof objectVariables)[number], Environment>

export function readObjects(given: Environment, faults: string[]): Objects {
  const objects: Objects = { SAGEMAKER_TAGS: {}, SAGEMAKER_METRICS: {} }
  for (const name of objectVariables) {
    const value = parse(given[name] ?? '{}')
    if (value) objects[name] = value
    else
      faults.push(
        `${name} is ${JSON.stringify(given[name])}: it must be a JSON object of strings, such as {"team":"risk"}.`
      )
  }
  return objects
}

function parse(text: string): Environment | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const entries = Object.entries(value)
    return entries.every(([, member]) => typeof member === 'string')
      ? Object.fromEntries(entries)
      : undefined
  } catch {
    return undefined
  }
}

/** Which variables the chosen backend and storage lack. */
export function missingForAws(given: Environment): string[] {
  const faults: string[] = []
  const need = (name: string, why: string, right: string) => {
    if (!(name in given)) faults.push(`${name} is not set: ${why} needs ${right}.`)
  }
  const sagemaker = given.BACKEND === 'sagemaker'
  if (sagemaker && given.STORAGE !== 's3')
    faults.push(
      `STORAGE is ${JSON.stringify(given.STORAGE ?? 'filesystem')}: it must be s3 with BACKEND=sagemaker, for training jobs read their code from S3.`
    )
  if (/^postgres/.test(given.DATABASE_URL ?? '') && (!sagemaker || given.STORAGE !== 's3'))
    faults.push(
      'DATABASE_URL is a PostgreSQL database, which several services share: it needs STORAGE=s3 and BACKEND=sagemaker, for files and jobs of one machine cannot be shared.'
    )
  if (sagemaker || given.STORAGE === 's3')
    need('S3_BUCKET', sagemaker ? 'BACKEND=sagemaker' : 'STORAGE=s3', 'the name of a bucket')
  if (sagemaker) {
    need('SAGEMAKER_ROLE_ARN', 'BACKEND=sagemaker', 'the role that training jobs take on')
    need('SAGEMAKER_IMAGE_URI', 'BACKEND=sagemaker', 'the training image (see Dockerfile.train)')
  }
  if ('SAGEMAKER_SUBNETS' in given !== 'SAGEMAKER_SECURITY_GROUP_IDS' in given)
    faults.push(
      'SAGEMAKER_SUBNETS and SAGEMAKER_SECURITY_GROUP_IDS must be set together, or neither.'
    )
  if (given.SAGEMAKER_SPOT === 'true' && Number(given.SAGEMAKER_KEEP_ALIVE_SECONDS ?? 0) > 0)
    faults.push(
      'SAGEMAKER_SPOT and SAGEMAKER_KEEP_ALIVE_SECONDS exclude each other: spot instances are not kept warm.'
    )
  return faults
}

/** Parted by commas. */
export const listOf = (text: string | undefined): string[] =>
  text?.split(',').map(each => each.trim()) ?? []

export function s3Config(values: Variables, given: Environment): S3Config | undefined {
  if (values.STORAGE !== 's3' || values.S3_BUCKET === undefined) return undefined
  return {
    bucket: values.S3_BUCKET,
    prefix: values.S3_PREFIX ?? '',
    customEndpoint: 'AWS_ENDPOINT_URL_S3' in given || 'AWS_ENDPOINT_URL' in given
  }
}

export function sagemakerConfig(values: Variables, objects: Objects): SagemakerConfig | undefined {
  const { SAGEMAKER_ROLE_ARN: roleArn, SAGEMAKER_IMAGE_URI: imageUri } = values
  if (values.BACKEND !== 'sagemaker' || !roleArn || !imageUri) return undefined
  const { SAGEMAKER_SUBNETS: subnets, SAGEMAKER_SECURITY_GROUP_IDS: groups } = values
  return {
    roleArn,
    imageUri,
    defaults: {
      instanceType: values.SAGEMAKER_INSTANCE_TYPE,
      instanceCount: values.SAGEMAKER_INSTANCE_COUNT,
      volumeSizeGb: values.SAGEMAKER_VOLUME_SIZE_GB,
      maxRuntimeSeconds: values.SAGEMAKER_MAX_RUNTIME_SECONDS,
      spot: values.SAGEMAKER_SPOT,
      keepAliveSeconds: values.SAGEMAKER_KEEP_ALIVE_SECONDS
    },
    maxRetries: values.SAGEMAKER_MAX_RETRIES,
    vpc:
      subnets && groups
        ? { subnets: subnets.split(','), securityGroupIds: groups.split(',') }
        : undefined,
    volumeKmsKey: values.SAGEMAKER_VOLUME_KMS_KEY,
    outputKmsKey: values.SAGEMAKER_OUTPUT_KMS_KEY,
    networkIsolation: values.SAGEMAKER_NETWORK_ISOLATION,
    encryptTraffic: values.SAGEMAKER_ENCRYPT_TRAFFIC,
    tags: objects.SAGEMAKER_TAGS,
    metrics: objects.SAGEMAKER_METRICS,
    pollSeconds: values.SAGEMAKER_POLL_SECONDS,
    secretArnPrefixes: listOf(values.SECRET_ARN_PREFIXES),
    inputRoots: inputRootsOf(values)
  }
}

/** Each ends in "/": a prefix of S3 that does not is also that of its neighbours. */
function inputRootsOf({ INPUT_ROOTS, API_KEYS_FILE, OIDC_ISSUER }: Variables) {
  const roots = listOf(INPUT_ROOTS).filter(root => root.startsWith('s3:'))
  if (roots.length === 0 && !API_KEYS_FILE && !OIDC_ISSUER) return undefined
  return roots.map(root => (root.endsWith('/') ? root : `${root}/`))
}
