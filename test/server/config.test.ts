import { readFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/server/config.ts'
import { configTable } from '../../src/server/config-variables.ts'
import { defaultLimits } from '../../src/server/projects/project-limits.ts'
import { noTenantLimits } from '../../src/server/tenant-limits.ts'
import { testFolder } from '../helpers/folder.ts'

const refusal = (...faults: string[]) => ({
  message: ['The configuration is wrong:', ...faults.map(fault => `  ${fault}`)].join('\n')
})

t.test('nothing given is the configuration of a newcomer', async t => {
  const { localSlots, localLimits, ...config } = readConfig({})
  const { memoryMb, ...otherLimits } = localLimits
  t.ok(memoryMb >= 64 && memoryMb < totalmem() / 2 ** 20)
  t.strictSame(otherLimits, {
    cpus: undefined,
    processes: 4096,
    logBytes: 2 ** 30,
    freeBytes: 2 ** 28
  })
  t.ok(localSlots >= 1 && localSlots <= 4)
  t.strictSame(config, {
    host: '127.0.0.1',
    port: 8080,
    allowUnauthenticated: false,
    apiKeysFile: undefined,
    oidc: undefined,
    tenantLimits: noTenantLimits,
    unauthenticatedPerMinute: 300,
    trustedProxies: undefined,
    corsOrigins: [],
    dataDir: join(process.cwd(), 'data'),
    backend: 'local',
    storage: 'filesystem',
    databaseUrl: undefined,
    python: undefined,
    secretRoots: [],
    inputRoots: [],
    localSandbox: 'auto',
    localReadable: [],
    localStandby: undefined,
    localWritable: [],
    localUser: undefined,
    mlflowTrackingUri: undefined,
    logLevel: 'info',
    limits: defaultLimits,
    open: { uploads: 64, downloads: 128, waiters: 2000, followers: 1000 },
    connections: 10_000,
    queuedJobs: 10_000,
    minFreeBytes: 2 ** 30,
    slowClientSeconds: 120,
    keepJobsSeconds: undefined,
    keepJobsBytes: undefined,
    keepProjectSeconds: 604_800,
    keepProjectBytes: undefined,
    keepEnvironmentsSeconds: 2_592_000,
    keepEnvironmentsBytes: undefined,
    stopGraceSeconds: 120,
    closeGraceSeconds: 30,
    closeDelaySeconds: 0,
    buildEnvironment: {},
    jobEnvironment: {},
    s3: undefined,
    sagemaker: undefined
  })
})

t.test('reads every variable', async t => {
  const config = readConfig({
    HOST: '::1',
    PORT: '0',
    API_KEYS_FILE: '/srv/keys.json',
    OIDC_ISSUER: 'https://login.example/realms/ml',
    OIDC_AUDIENCE: 'ml',
    OIDC_TENANT_CLAIM: 'org',
    UNAUTHENTICATED_PER_MINUTE: '21',
    TRUSTED_PROXIES: '10.0.0.0/8, ::1, loopback',
    TENANT_REQUESTS_PER_MINUTE: '22',
    TENANT_MAX_UPLOADS: '23',
    TENANT_MAX_QUEUED_JOBS: '24',
    TENANT_MAX_RUNNING_JOBS: '25',
    CORS_ORIGINS: 'https://a.example, http://localhost:3000',
    DATA_DIR: '/srv/jobs',
    BACKEND: 'local',
    STORAGE: 'filesystem',
    DATABASE_URL: 'sqlite:',
    PYTHON: '/opt/python/bin/python',
    LOCAL_SLOTS: '7',
    LOCAL_STANDBY: '2',
    LOCAL_MAX_MEMORY_MB: '2048',
    LOCAL_MAX_CPUS: '3',
    LOCAL_MAX_PROCESSES: '500',
    LOCAL_SANDBOX: 'bwrap',
    LOCAL_READABLE: '/datasets:/srv/models',
    LOCAL_WRITABLE: '/scratch',
    LOCAL_USER: 'trainer',
    LOCAL_MAX_LOG_BYTES: '1000000',
    SECRET_ROOTS: '/run/secrets/{tenant}, /srv/secrets',
    INPUT_ROOTS: '/data/{tenant}/, s3://data/',
    MLFLOW_TRACKING_URI: 'https://mlflow.example',
    LOG_LEVEL: 'debug',
    MAX_UPLOAD_BYTES: '1',
    MAX_PROJECT_FILES: '2',
    MAX_PROJECT_DEPTH: '3',
    MAX_PROJECT_NAME_BYTES: '4',
    MAX_PROJECT_PATH_BYTES: '5',
    MAX_PROJECT_BYTES: '6',
    MAX_PROJECT_RATIO: '7',
    MAX_UPLOADS: '11',
    MAX_DOWNLOADS: '12',
    MAX_WAITERS: '13',
    MAX_FOLLOWERS: '14',
    MAX_CONNECTIONS: '21',
    MAX_QUEUED_JOBS: '15',
    MIN_FREE_BYTES: '16',
    SLOW_CLIENT_SECONDS: '17',
    CLOSE_DELAY_SECONDS: '18',
    KEEP_JOBS_SECONDS: '10',
    KEEP_JOBS_BYTES: '11',
    KEEP_PROJECT_SECONDS: '9',
    KEEP_PROJECT_BYTES: '26',
    KEEP_ENVIRONMENTS_SECONDS: '19',
    KEEP_ENVIRONMENTS_BYTES: '20',
    STOP_GRACE_SECONDS: '8',
    CLOSE_GRACE_SECONDS: '9'
  })
  t.strictSame(config, {
    host: '::1',
    port: 0,
    allowUnauthenticated: false,
    apiKeysFile: '/srv/keys.json',
    oidc: { issuer: 'https://login.example/realms/ml', audience: 'ml', tenantClaim: 'org' },
    tenantLimits: { requestsPerMinute: 22, uploads: 23, queuedJobs: 24, runningJobs: 25 },
    unauthenticatedPerMinute: 21,
    trustedProxies: '10.0.0.0/8,::1,loopback',
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
    dataDir: '/srv/jobs',
    backend: 'local',
    storage: 'filesystem',
    databaseUrl: undefined,
    python: '/opt/python/bin/python',
    localSlots: 7,
    localStandby: 2,
    localLimits: {
      memoryMb: 2048,
      cpus: 3,
      processes: 500,
      logBytes: 1_000_000,
      freeBytes: 4
    },
    secretRoots: ['/run/secrets/{tenant}', '/srv/secrets'],
    inputRoots: ['/data/{tenant}'],
    localSandbox: 'bwrap',
    localReadable: ['/datasets', '/srv/models'],
    localWritable: ['/scratch'],
    localUser: 'trainer',
    mlflowTrackingUri: 'https://mlflow.example',
    logLevel: 'debug',
    limits: {
      uploadBytes: 1,
      files: 2,
      depth: 3,
      nameBytes: 4,
      pathBytes: 5,
      unpackedBytes: 6,
      ratio: 7
    },
    open: { uploads: 11, downloads: 12, waiters: 13, followers: 14 },
    connections: 21,
    queuedJobs: 15,
    minFreeBytes: 16,
    slowClientSeconds: 17,
    closeDelaySeconds: 18,
    keepJobsSeconds: 10,
    keepJobsBytes: 11,
    keepProjectSeconds: 9,
    keepProjectBytes: 26,
    keepEnvironmentsSeconds: 19,
    keepEnvironmentsBytes: 20,
    stopGraceSeconds: 8,
    closeGraceSeconds: 9,
    buildEnvironment: {},
    jobEnvironment: {},
    s3: undefined,
    sagemaker: undefined
  })
})

const forSagemaker = {
  BACKEND: 'sagemaker',
  STORAGE: 's3',
  S3_BUCKET: 'my-training-bucket',
  SAGEMAKER_ROLE_ARN: 'arn:aws:iam::123456789012:role/training',
  SAGEMAKER_IMAGE_URI: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/training:1'
}

t.test('SageMaker and S3 need few variables; the rest has defaults', async t => {
  const { backend, storage, s3, sagemaker } = readConfig(forSagemaker)
  t.strictSame({ backend, storage }, { backend: 'sagemaker', storage: 's3' })
  t.strictSame(s3, { bucket: 'my-training-bucket', prefix: '', customEndpoint: false })
  t.strictSame(sagemaker, {
    roleArn: 'arn:aws:iam::123456789012:role/training',
    imageUri: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/training:1',
    defaults: {
      instanceType: 'ml.m5.xlarge',
      instanceCount: 1,
      volumeSizeGb: 30,
      maxRuntimeSeconds: 86_400,
      spot: false,
      keepAliveSeconds: 0
    },
    maxRetries: 0,
    vpc: undefined,
    volumeKmsKey: undefined,
    outputKmsKey: undefined,
    networkIsolation: false,
    encryptTraffic: false,
    tags: {},
    metrics: {},
    pollSeconds: 15,
    secretArnPrefixes: [],
    inputRoots: undefined
  })
})

const secrets = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:'

t.test('a beginning of ARNs ends where a name does, for it is a tenant’s', async t => {
  for (const wrong of [`${secrets}{tenant}`, 'arn:aws:secretsmanager:', 'ml/{tenant}/'])
    t.throws(() => readConfig({ SECRET_ARN_PREFIXES: wrong }), { message: /up to a "\/"/ })
  t.throws(() => readConfig({ SECRET_ROOTS: 'secrets' }), { message: /absolute paths/ })
})

t.test(
  'data in S3 is any that the role may read, unless callers are asked who they are',
  async t => {
    const rootsOf = (more: Record<string, string>) =>
      readConfig({ ...forSagemaker, ...more }).sagemaker?.inputRoots
    t.equal(rootsOf({ INPUT_ROOTS: '/data' }), undefined)
    t.strictSame(rootsOf({ API_KEYS_FILE: 'keys.json' }), [])
    t.strictSame(rootsOf({ API_KEYS_FILE: 'keys.json', INPUT_ROOTS: 's3://a/b' }), ['s3://a/b/'])
    for (const wrong of ['data', 's3://', 's3://bucket', 'file:///data', '/data,'])
      t.throws(
        () => readConfig({ INPUT_ROOTS: wrong }),
        { message: /absolute paths and s3:/ },
        wrong
      )
  }
)

t.test('reads every variable of SageMaker and S3', async t => {
  const { s3, sagemaker } = readConfig({
    ...forSagemaker,
    S3_PREFIX: 'teams/mlflow-jobs/',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
    SAGEMAKER_INSTANCE_TYPE: 'ml.g5.xlarge',
    SAGEMAKER_INSTANCE_COUNT: '2',
    SAGEMAKER_VOLUME_SIZE_GB: '3',
    SAGEMAKER_MAX_RUNTIME_SECONDS: '4',
    SAGEMAKER_SPOT: 'true',
    SAGEMAKER_KEEP_ALIVE_SECONDS: '0',
    SAGEMAKER_MAX_RETRIES: '6',
    SAGEMAKER_SUBNETS: 'subnet-1,subnet-2',
    SAGEMAKER_SECURITY_GROUP_IDS: 'sg-1',
    SAGEMAKER_VOLUME_KMS_KEY: 'alias/volumes',
    SAGEMAKER_OUTPUT_KMS_KEY: 'alias/models',
    SAGEMAKER_NETWORK_ISOLATION: 'true',
    SAGEMAKER_ENCRYPT_TRAFFIC: 'true',
    SAGEMAKER_TAGS: '{"team":"risk"}',
    SAGEMAKER_METRICS: '{"loss":"loss=([0-9.]+)"}',
    SAGEMAKER_POLL_SECONDS: '7',
    INPUT_ROOTS: 's3://data/{tenant}, s3://common/',
    SECRET_ARN_PREFIXES: `${secrets}a/, ${secrets}{tenant}/`
  })
  t.strictSame(s3, {
    bucket: 'my-training-bucket',
    prefix: 'teams/mlflow-jobs/',
    customEndpoint: true
  })
  t.strictSame(sagemaker, {
    roleArn: forSagemaker.SAGEMAKER_ROLE_ARN,
    imageUri: forSagemaker.SAGEMAKER_IMAGE_URI,
    defaults: {
      instanceType: 'ml.g5.xlarge',
      instanceCount: 2,
      volumeSizeGb: 3,
      maxRuntimeSeconds: 4,
      spot: true,
      keepAliveSeconds: 0
    },
    maxRetries: 6,
    vpc: { subnets: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-1'] },
    volumeKmsKey: 'alias/volumes',
    outputKmsKey: 'alias/models',
    networkIsolation: true,
    encryptTraffic: true,
    tags: { team: 'risk' },
    metrics: { loss: 'loss=([0-9.]+)' },
    pollSeconds: 7,
    secretArnPrefixes: [`${secrets}a/`, `${secrets}{tenant}/`],
    inputRoots: ['s3://data/{tenant}/', 's3://common/']
  })
})

t.test('says which of the trusted proxies is none', async t => {
  const right =
    'each must be an address, a network such as 10.0.0.0/8, or one of loopback, linklocal, uniquelocal.'
  t.throws(
    () => readConfig({ TRUSTED_PROXIES: '10.0.0.0/8, proxy.example,10.0.0.0/33,10.0.0.0/0,::/0' }),
    refusal(
      `TRUSTED_PROXIES has "proxy.example": ${right}`,
      `TRUSTED_PROXIES has "10.0.0.0/33": ${right}`,
      `TRUSTED_PROXIES has "10.0.0.0/0": ${right}`,
      `TRUSTED_PROXIES has "::/0": ${right}`
    )
  )
})

t.test('localhost is one address: limits are those of one server', async t => {
  t.equal(readConfig({ HOST: 'localhost' }).host, '127.0.0.1')
})

t.test('what jobs may write is apart from what callers may name', async t => {
  const folder = testFolder(t)
  await mkdir(`${folder}/data`)
  await symlink(`${folder}/data`, `${folder}/link`)
  for (const [writable, root] of [
    ['/data', '/data'],
    ['/scratch:/data/a', '/other, /data'],
    ['/data', '/data/{tenant}'],
    ['/data/risk/out', '/data/{tenant}'],
    ['/', '/data'],
    [`${folder}/data`, `${folder}/link/in`]
  ])
    for (const name of ['INPUT_ROOTS', 'SECRET_ROOTS'])
      t.throws(
        () => readConfig({ LOCAL_WRITABLE: writable, [name]: root }),
        new RegExp(`LOCAL_WRITABLE has .* and ${name} has .* must be folders apart`),
        `${writable} and ${root}`
      )
  const LOCAL_WRITABLE = '/data/out:/dat'
  for (const INPUT_ROOTS of [
    '/data/in/{tenant},s3://data/',
    '/data2/{tenant}',
    '/data/of-{tenant}'
  ])
    t.ok(readConfig({ LOCAL_WRITABLE, INPUT_ROOTS }), INPUT_ROOTS)
})

t.test('the store of MLflow has a folder of its own, for jobs write in all of it', async t => {
  const folder = testFolder(t)
  await symlink('/srv', `${folder}/link`)
  const own = 'sqlite:////srv/mlflow/mlflow.db'
  for (const MLFLOW_TRACKING_URI of [own, `${own}?timeout=9`, 'file:///mlruns', 'http://a/'])
    t.ok(readConfig({ MLFLOW_TRACKING_URI, INPUT_ROOTS: '/data' }), MLFLOW_TRACKING_URI)
  const home = homedir()
  for (const uri of [
    ...['sqlite:////srv/x.db', 'sqlite:////x.db', 'sqlite:////srv/mlflow/../x.db'],
    ...['file:///', `file://${home}`, `sqlite:///${home}/x.db`, `sqlite:///${folder}/x.db`],
    `sqlite:///${folder}/link/x.db`
  ]) {
    const settings = { MLFLOW_TRACKING_URI: uri, DATA_DIR: `${folder}/data` }
    t.throws(() => readConfig(settings), /in all of which local jobs would write: it must/, uri)
    t.ok(readConfig({ ...settings, LOCAL_SANDBOX: 'none' }), 'without a wall they can anyway')
  }
  t.throws(
    () => readConfig({ MLFLOW_TRACKING_URI: own, INPUT_ROOTS: '/srv/mlflow/{tenant}' }),
    /MLFLOW_TRACKING_URI is in "\/srv\/mlflow" and INPUT_ROOTS has .* must be folders apart/
  )
})

t.test('variables of a backend or storage that was not chosen count for nothing', async t => {
  const { BACKEND, STORAGE, ...others } = forSagemaker
  t.strictSame(readConfig(others), readConfig({}))
  const { s3, sagemaker } = readConfig({ ...others, STORAGE })
  t.match(s3, { bucket: 'my-training-bucket' })
  t.equal(sagemaker, undefined, 'local jobs with S3')
})

t.test('names every variable that the chosen backend and storage lack', async t => {
  const role =
    'SAGEMAKER_ROLE_ARN is not set: BACKEND=sagemaker needs the role that training jobs take on.'
  const image =
    'SAGEMAKER_IMAGE_URI is not set: BACKEND=sagemaker needs the training image (see Dockerfile.train).'
  t.throws(
    () => readConfig({ BACKEND: 'sagemaker' }),
    refusal(
      'STORAGE is "filesystem": it must be s3 with BACKEND=sagemaker, for training jobs read their code from S3.',
      'S3_BUCKET is not set: BACKEND=sagemaker needs the name of a bucket.',
      role,
      image
    )
  )
  t.throws(
    () => readConfig({ STORAGE: 's3' }),
    refusal('S3_BUCKET is not set: STORAGE=s3 needs the name of a bucket.')
  )
  t.throws(
    () => readConfig({ ...forSagemaker, SAGEMAKER_ROLE_ARN: '', SAGEMAKER_IMAGE_URI: ' ' }),
    refusal(role, image)
  )
})

t.test(
  'says what is wrong with variables of SageMaker and S3, and what would be right',
  async t => {
    t.throws(
      () =>
        readConfig({
          BACKEND: 'sagemaker',
          STORAGE: 's3',
          S3_BUCKET: 'My_Bucket',
          S3_PREFIX: '/jobs',
          SAGEMAKER_ROLE_ARN: 'training',
          SAGEMAKER_IMAGE_URI: 'my image',
          SAGEMAKER_INSTANCE_COUNT: '0',
          SAGEMAKER_SPOT: 'true',
          SAGEMAKER_KEEP_ALIVE_SECONDS: '60',
          SAGEMAKER_SUBNETS: 'subnet-1;subnet-2',
          SAGEMAKER_TAGS: '{"team":1}',
          SAGEMAKER_METRICS: 'loss'
        }),
      refusal(
        'S3_BUCKET is "My_Bucket": it must be a bucket\'s name, such as my-training-bucket.',
        'S3_PREFIX is "/jobs": it must be folders that end in "/", such as mlflow-jobs/.',
        'SAGEMAKER_ROLE_ARN is "training": it must be a role\'s ARN, such as arn:aws:iam::123456789012:role/training.',
        'SAGEMAKER_IMAGE_URI is "my image": it must be an image\'s URI of at most 255 characters.',
        'SAGEMAKER_INSTANCE_COUNT is "0": it must be a whole number from 1 to 100.',
        'SAGEMAKER_SUBNETS is "subnet-1;subnet-2": it must be at most 16 subnets, parted by commas.',
        'SAGEMAKER_TAGS is "{\\"team\\":1}": it must be a JSON object of strings, such as {"team":"risk"}.',
        'SAGEMAKER_METRICS is "loss": it must be a JSON object of strings, such as {"team":"risk"}.',
        'SAGEMAKER_SUBNETS and SAGEMAKER_SECURITY_GROUP_IDS must be set together, or neither.',
        'SAGEMAKER_SPOT and SAGEMAKER_KEEP_ALIVE_SECONDS exclude each other: spot instances are not kept warm.'
      )
    )
  }
)

t.test('takes PostgreSQL for what several services can share, and for nothing else', async t => {
  const DATABASE_URL = 'postgres://me:secret@db/jobs'
  const shared = {
    DATABASE_URL,
    BACKEND: 'sagemaker',
    STORAGE: 's3',
    S3_BUCKET: 'training',
    SAGEMAKER_ROLE_ARN: 'arn:aws:iam::123456789012:role/training',
    SAGEMAKER_IMAGE_URI: 'train'
  }
  const fault =
    'DATABASE_URL is a PostgreSQL database, which several services share: it needs STORAGE=s3 and BACKEND=sagemaker, for files and jobs of one machine cannot be shared.'
  t.equal(readConfig(shared).databaseUrl, DATABASE_URL)
  t.throws(() => readConfig({ DATABASE_URL }), refusal(fault))
  t.throws(() => readConfig({ ...shared, BACKEND: 'local' }), refusal(fault))
})

t.test(
  'says all that is wrong at once: the variable, what was given, what would be right',
  async t => {
    t.throws(
      () =>
        readConfig({
          HOST: '0.0.0.0',
          PORT: '80800',
          ALLOW_UNAUTHENTICATED: 'yes',
          BACKEND: 'docker',
          STORAGE: 'disk',
          DATABASE_URL: 'mysql://me:secret@db/jobs',
          LOCAL_SLOTS: '0',
          MLFLOW_TRACKING_URI: './mlruns',
          LOG_LEVEL: 'verbose',
          MAX_UPLOAD_BYTES: '5GiB'
        }),
      refusal(
        'PORT is "80800": it must be a whole number from 0 to 65535.',
        'ALLOW_UNAUTHENTICATED is "yes": it must be true or false.',
        'BACKEND is "docker": it must be local or sagemaker.',
        'STORAGE is "disk": it must be filesystem or s3.',
        'DATABASE_URL is set to what is not shown here: it must be "sqlite:", or an address such as postgres://user:password@host:5432/database.',
        'LOCAL_SLOTS is "0": it must be a whole number from 1 to 1024.',
        'MLFLOW_TRACKING_URI is "./mlruns": it must be a URI with its scheme, such as http://127.0.0.1:5000.',
        'LOG_LEVEL is "verbose": it must be fatal, error, warn, info, debug, trace, or silent.',
        'MAX_UPLOAD_BYTES is "5GiB": it must be a whole number of at least 1.',
        'HOST is "0.0.0.0": it must be a loopback address such as 127.0.0.1, for nobody is asked who they are, and who reaches the service can run code on this machine. Give out API keys (API_KEYS_FILE), or, where something else keeps strangers out (a container, a private network), set ALLOW_UNAUTHENTICATED to true.'
      )
    )
  }
)

for (const port of ['8080.7', '1e3', '0x10', 'true', '-1', '8 080', '99999999999999999999'])
  t.test(`takes ${port} for no port`, async t => {
    const fault = `PORT is "${port}": it must be a whole number from 0 to 65535.`
    t.throws(() => readConfig({ PORT: port }), refusal(fault))
  })

t.test(
  'a variable that is empty counts as not there, and spaces around a value do not count',
  async t => {
    const { port, python, host } = readConfig({ PORT: '', PYTHON: ' ', HOST: ' 127.0.0.2\r' })
    t.strictSame({ port, python, host }, { port: 8080, python: undefined, host: '127.0.0.2' })
  }
)

t.test('variables that it does not know are nothing to it', async t => {
  t.strictSame(readConfig({ EDITOR: 'vi', PORTS: 'x', toString: 'y' }), readConfig({}))
})

for (const host of ['127.0.0.1', '127.8.8.8', '::1'])
  t.test(`listens on ${host} without further words`, async t => {
    t.equal(readConfig({ HOST: host }).host, host)
  })

for (const host of [
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '128.0.0.1',
  'example.com',
  'localhost.example.com'
])
  t.test(`listens on ${host} only when callers are known, or need not be`, async t => {
    t.throws(() => readConfig({ HOST: host }), { message: /must be a loopback address/ })
    t.throws(() => readConfig({ HOST: host, ALLOW_UNAUTHENTICATED: 'false' }))
    for (const guard of [
      { ALLOW_UNAUTHENTICATED: 'true' },
      { API_KEYS_FILE: 'keys.json' },
      { OIDC_ISSUER: 'https://login.example' }
    ])
      t.equal(readConfig({ HOST: host, ...guard }).host, host)
  })

t.test('a relative data folder is one of the working directory', async t => {
  t.equal(readConfig({ DATA_DIR: 'x/../y' }).dataDir, join(process.cwd(), 'y'))
})

for (const uri of [
  'http://127.0.0.1:5000',
  'databricks',
  'file:///srv/mlruns',
  'arn:aws:sagemaker:x'
])
  t.test(`lets jobs log to ${uri}`, async t => {
    t.equal(readConfig({ MLFLOW_TRACKING_URI: uri }).mlflowTrackingUri, uri)
  })

t.test('a secret may come from a file', async t => {
  const folder = t.testdir({ right: 'sqlite:\n', wrong: 'mysql://me:secret@db' })
  t.strictSame(readConfig({ DATABASE_URL_FILE: join(folder, 'right') }), readConfig({}))
  t.throws(() => readConfig({ DATABASE_URL_FILE: join(folder, 'wrong') }), {
    message: /^(?![\s\S]*secret)[\s\S]*DATABASE_URL is set to what is not shown here/
  })
  t.throws(
    () => readConfig({ DATABASE_URL: 'sqlite:', DATABASE_URL_FILE: join(folder, 'missing') }),
    refusal(
      'DATABASE_URL and DATABASE_URL_FILE are both set: it must be one.',
      `DATABASE_URL_FILE is "${join(folder, 'missing')}": it must be a file that can be read (ENOENT).`
    )
  )
})

t.test(
  'of its own environment a job gets the path, the language and the time zone, no more',
  async t => {
    const { jobEnvironment } = readConfig({
      PATH: '/usr/bin',
      LANG: 'de_DE.UTF-8',
      LC_ALL: 'C',
      TZ: 'UTC',
      HOME: '/root',
      AWS_SECRET_ACCESS_KEY: 'secret',
      PYTHONPATH: '/x',
      LANGUAGE: 'de',
      MY_PATH: '/x'
    })
    t.strictSame(jobEnvironment, {
      PATH: '/usr/bin',
      LANG: 'de_DE.UTF-8',
      LC_ALL: 'C',
      TZ: 'UTC'
    })
  }
)

t.test(
  'environments are built with the indexes, proxies and certificates of the operator',
  async t => {
    const given = {
      PIP_INDEX_URL: 'https://pip.example/simple',
      UV_DEFAULT_INDEX: 'https://uv.example/simple',
      CONDA_CHANNELS: 'conda-forge',
      http_proxy: 'http://proxy.example:3128',
      HTTPS_PROXY: 'http://proxy.example:3128',
      NO_PROXY: 'localhost',
      SSL_CERT_FILE: '/etc/ca.pem',
      SSL_CERT_DIR: '/etc/certs',
      REQUESTS_CA_BUNDLE: '/etc/ca.pem',
      CURL_CA_BUNDLE: '/etc/ca.pem'
    }
    const { buildEnvironment } = readConfig({
      ...given,
      PATH: '/usr/bin',
      MY_PIP_INDEX: 'x',
      PROXY: 'x',
      AWS_SECRET_ACCESS_KEY: 'secret'
    })
    t.strictSame(buildEnvironment, given)
  }
)

t.test('the table in the README is that of the schema', async t => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  const [, shown] = /<!-- configuration -->\n([\s\S]*)<!-- \/configuration -->/.exec(readme) ?? []
  const rows = configTable().map(row => `| \`${row.name}\` | ${row.default} | ${row.description} |`)
  t.equal(shown, ['| variable | default | what |', '|---|---|---|', ...rows, ''].join('\n'))
})
