/** The policies in deploy/ hold what the code calls, and nothing more; docs/sagemaker.md names what there is. */
import { glob, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../src/server/config.ts'
import { variableSchemas } from '../src/server/config-variables.ts'
import { policy, policyEnvironment } from './helpers/policies.ts'

const root = join(import.meta.dirname, '..')

/** The rights that an operation of an AWS client needs. One that is missing here is new in the code. */
const rightsOf: Record<string, string[]> = {
  // With tags, and with a role.
  CreateTrainingJob: ['sagemaker:CreateTrainingJob', 'sagemaker:AddTags', 'iam:PassRole'],
  DescribeTrainingJob: ['sagemaker:DescribeTrainingJob'],
  ListTrainingJobs: ['sagemaker:ListTrainingJobs'],
  StopTrainingJob: ['sagemaker:StopTrainingJob'],
  DescribeLogStreams: ['logs:DescribeLogStreams'],
  GetLogEvents: ['logs:GetLogEvents'],
  GetObject: ['s3:GetObject'],
  // Whether a missing object is answered by 404 hangs on the right to list.
  HeadObject: ['s3:GetObject', 's3:ListBucket'],
  ListObjectsV2: ['s3:ListBucket'],
  PutObject: ['s3:PutObject'],
  DeleteObject: ['s3:DeleteObject'],
  DeleteObjects: ['s3:DeleteObject'],
  // lib-storage, in parts
  Upload: ['s3:PutObject', 's3:AbortMultipartUpload']
}

const list = (value: string | string[] | undefined) => [value ?? []].flat()

async function operationsInCode(): Promise<Set<string>> {
  const operations = new Set<string>()
  for await (const file of glob('src/server/**/*.ts', { cwd: root })) {
    const text = await readFile(join(root, file), 'utf8')
    if (!text.includes('@aws-sdk/')) continue
    for (const [, command, page, upload] of text.matchAll(
      /new (\w+)Command\(|\bpaginate(\w+)\(|new (Upload)\(/g
    ))
      operations.add(command ?? page ?? upload ?? '')
  }
  return operations
}

t.test('the service may do what its code calls, and nothing more', async t => {
  const operations = await operationsInCode()
  const statements = await policy('service-policy.json')

  const needed = [...operations].flatMap(operation => rightsOf[operation] ?? [`? ${operation}`])
  const allowed = statements.flatMap(({ Action }) => list(Action))
  t.strictSame([...new Set(allowed)].sort(), [...new Set(needed)].sort())
  t.ok(operations.has('CreateTrainingJob') && operations.has('Upload'), 'the code was read')
})

t.test('what the service may do is bound to its own jobs, bucket, role and log group', async t => {
  const statements = await policy('service-policy.json')

  for (const { Action, Resource } of statements)
    if (list(Resource).includes('*')) t.equal(Action, 'sagemaker:ListTrainingJobs')
  const passing = statements.filter(({ Action }) => list(Action).includes('iam:PassRole'))
  t.strictSame(
    passing.map(({ Action, Resource, Condition }) => ({ Action, Resource, Condition })),
    [
      {
        Action: 'iam:PassRole',
        Resource: 'arn:aws:iam::123456789012:role/mlflow-jobs-job',
        Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } }
      }
    ]
  )
  const listing = statements.find(({ Action }) => Action === 's3:ListBucket')
  t.strictSame(listing?.Condition, { StringLikeIfExists: { 's3:prefix': 'mlflow-jobs/*' } })
})

t.test('every policy only allows, with no wildcard for services or actions of one', async t => {
  const names = await readdir(join(root, 'deploy/iam'))
  t.ok(names.length >= 3)

  for (const name of names) {
    const statements = await policy(name)
    const text = JSON.stringify(statements)
    t.ok(
      statements.every(({ Effect }) => Effect === 'Allow'),
      name
    )
    const wide = statements.flatMap(({ Action }) => list(Action)).filter(it => it.includes('*'))
    // MLflow's API is one action for each of its calls.
    t.strictSame(wide, name === 'job-mlflow-policy.json' ? ['sagemaker-mlflow:*'] : [], name)
    const placeholders = text.match(
      /\b(ACCOUNT|REGION|\w*BUCKET|PREFIX|\w*ROLE|REPOSITORY|KMS_\w+)\b/
    )
    t.equal(placeholders, null, `${name}: all placeholders are filled in`)
  }
})

t.test('SageMaker alone takes on the role of the jobs, for this account alone', async t => {
  const [statement, ...more] = await policy('job-trust-policy.json')

  t.strictSame(more, [])
  t.match(statement, {
    Principal: { Service: 'sagemaker.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } }
  })
})

t.test('the page on SageMaker names variables and files that there are', async t => {
  const page = await readFile(join(root, 'docs/sagemaker.md'), 'utf8')

  const settings = new Set(variableSchemas.map(([name]) => name))
  const set = [...page.matchAll(/(?:^ +export |-e |`)([A-Z][A-Z0-9_]+)(?==| |`)/gm)].map(
    ([, it]) => it ?? ''
  )
  const [, names = ''] = page.split(/^## /m)
  const shell = new Set([...names.matchAll(/export (\w+)=/g)].map(([, it]) => it ?? ''))
  const known = (name: string) =>
    settings.has(name) || shell.has(name) || name in policyEnvironment || name.startsWith('AWS_')
  t.ok(set.includes('SAGEMAKER_ROLE_ARN') && set.includes('SAGEMAKER_SUBNETS'), 'the page was read')
  t.strictSame(
    set.filter(name => !known(name)),
    []
  )

  const used = [...page.matchAll(/render-policy\.sh ([\w.-]+)/g)].map(([, name]) => name ?? '')
  const there = await readdir(join(root, 'deploy/iam'))
  t.strictSame([...new Set(used)].sort(), there.sort())
})

t.test('the image and CI start the service as npm start does', async t => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const [, ...command] = scripts.start.split(' ')
  const image = await readFile(join(root, 'Dockerfile.api'), 'utf8')
  const starts = [...image.matchAll(/^ENTRYPOINT (.*)$/gm)].map(([, words = '']) =>
    JSON.parse(words)
  )
  t.ok(starts.length > 0)
  for (const start of starts)
    t.same(start, [
      'tini',
      '--',
      'node',
      ...command.slice(0, -1),
      `/opt/mlflow-jobs/${command.at(-1)}`
    ])
  t.match(await readFile(join(root, '.ci/readme'), 'utf8'), `node ${command.join(' ')} `)
})

t.test(
  "the service's images run as a numeric user that is not root, and install without scripts",
  async t => {
    const image = await readFile(join(root, 'Dockerfile.api'), 'utf8')
    const stages = image.split(/^FROM /m).filter(stage => /^ENTRYPOINT /m.test(stage))
    t.equal(stages.length, 2)
    for (const stage of stages) {
      const [, user] = [...stage.matchAll(/^USER (.+)$/gm)].at(-1) ?? []
      t.match(user, /^[1-9]\d*:[1-9]\d*$/)
    }
    for (const [install] of image.matchAll(/npm (ci|install).*$/gm))
      t.match(install, '--omit=dev --ignore-scripts')
  }
)

t.test(
  'compose.yaml starts the image as it was made to be started, on this machine alone',
  async t => {
    const { services } = parse(await readFile(join(root, 'compose.yaml'), 'utf8'))
    const { build, ports, environment, volumes, read_only } = services.api
    const image = await readFile(join(root, build.dockerfile), 'utf8')
    const [, port] = /^EXPOSE (\d+)$/m.exec(image) ?? []
    const [, volume] = /^VOLUME (.+)$/m.exec(image) ?? []
    t.same(ports, [`127.0.0.1:${port}:${port}`])
    t.same(volumes, [`data:${volume}`])
    t.equal(read_only, true)
    const known = variableSchemas.map(([name]) => name)
    for (const name of Object.keys(environment)) t.ok(known.includes(name), name)
  }
)

const composeFiles = ['compose.yaml', 'deploy/replicas/compose.yaml']
const composed = async (file: string) => parse(await readFile(join(root, file), 'utf8')).services

t.test(
  'each service of a compose file has time to stop, and a root that it cannot write',
  async t => {
    let count = 0
    for (const file of composeFiles)
      for (const [name, service] of Object.entries<ComposeService>(await composed(file))) {
        if (!/^api/.test(name)) continue
        count++
        const { environment, stop_grace_period, read_only, user, privileged, cap_drop } = service
        const { closeDelaySeconds, closeGraceSeconds } = readConfig(filledIn(environment))
        const enough = closeDelaySeconds + closeGraceSeconds + 10
        t.ok(Number.parseInt(stop_grace_period, 10) >= enough, `${file}, ${name}: ${enough} s`)
        t.match({ read_only, user, privileged, cap_drop }, { read_only: true, cap_drop: ['ALL'] })
        t.notOk(privileged ?? user, `${file}, ${name}: the image's user`)
      }
    t.equal(count, 3)
  }
)

t.test('no compose file has a secret, and each variable in it is one of the service', async t => {
  const known = new Set<string>(variableSchemas.map(([name]) => name))
  const mayBe = (name: string) => known.has(name) || name.startsWith('AWS_')
  for (const file of composeFiles) {
    for (const [name, service] of Object.entries<ComposeService>(await composed(file)))
      for (const [variable, value] of Object.entries(service.environment ?? {})) {
        if (/^api/.test(name)) t.ok(mayBe(variable), `${file}: ${variable}`)
        if (/PASSWORD|SECRET|TOKEN|KEY/.test(variable)) t.match(value, /^\$\{\w+:[?-]\}$/, variable)
      }
    const addresses = (await readFile(join(root, file), 'utf8')).matchAll(
      /:\/\/[^:/\s]+:([^@\s]+)@/g
    )
    for (const [, password] of addresses) t.match(password, /^\$\{\w+:\?\}$/, `${file}: a password`)
  }
})

t.test('deploy/replicas gives each service what it needs, and strangers nothing', async t => {
  const folder = join(root, 'deploy/replicas')
  const { proxy, postgres, ...services } = await composed('deploy/replicas/compose.yaml')
  const apis = Object.entries<ComposeService>(services)
  t.ok(apis.length >= 2)
  for (const [, { ports, environment, depends_on }] of apis) {
    t.notOk(ports)
    t.same(depends_on, { postgres: { condition: 'service_healthy' } })
    t.match(readConfig(filledIn(environment)), {
      backend: 'sagemaker',
      storage: 's3',
      databaseUrl: 'postgres://mlflow_jobs:secret@postgres:5432/mlflow_jobs'
    })
  }
  t.notOk(postgres.ports)
  t.match(
    postgres.healthcheck.test.join(' '),
    `pg_isready -U ${postgres.environment.POSTGRES_USER}`
  )
  t.same(proxy.ports, ['127.0.0.1:8080:8080'])

  const caddyfile = await readFile(join(folder, 'Caddyfile'), 'utf8')
  const image = await readFile(join(root, 'Dockerfile.api'), 'utf8')
  const [, port] = /^EXPOSE (\d+)$/m.exec(image) ?? []
  const [, upstreams] = /^\treverse_proxy (.+) \{$/m.exec(caddyfile) ?? []
  t.same(
    upstreams?.split(' '),
    apis.map(([name]) => `${name}:${port}`),
    'the proxy knows each by its name: those that it finds by DNS it does not ask whether they are ready'
  )
  t.match(caddyfile, /^\t\thealth_uri \/readyz$/m)
  t.match(caddyfile, /^\t\tflush_interval -1$/m, 'followed logs go through as they come')
  const [, interval] = /^\t\thealth_interval (\d+)s$/m.exec(caddyfile) ?? []
  for (const [, { environment }] of apis)
    t.ok(Number(interval) * 2 < readConfig(filledIn(environment)).closeDelaySeconds)
  t.notMatch(
    caddyfile,
    /request_body|max_size|_buffers|read_timeout|write_timeout|response_header_timeout|stream_timeout|timeouts/,
    'it cuts off neither uploads nor waits'
  )
})

interface ComposeService {
  environment: Record<string, string>
  stop_grace_period: string
  ports?: string[]
  depends_on?: object
  read_only?: boolean
  user?: string
  privileged?: boolean
  cap_drop?: string[]
}

/** As compose fills them in from my.env. */
function filledIn(environment: Record<string, string>): Record<string, string> {
  const given: Record<string, string> = {
    POSTGRES_PASSWORD: 'secret',
    S3_BUCKET: 'training',
    SAGEMAKER_ROLE_ARN: 'arn:aws:iam::123456789012:role/training',
    SAGEMAKER_IMAGE_URI: 'train',
    AWS_REGION: 'us-east-1'
  }
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(/\$\{(\w+):[?-]\}/g, (_, variable) => given[variable] ?? '')
    ])
  )
}

t.test('deploy/telemetry installs what it loads, and nothing else', async t => {
  const folder = join(root, 'deploy/telemetry')
  const code = await readFile(join(folder, 'telemetry.js'), 'utf8')
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const loaded = [...code.matchAll(/'(@[\w-]+\/[\w-]+)(?:\/[\w.-]+)?'/g)].map(([, name]) => name)
  t.strictSame([...new Set(loaded)].sort(), Object.keys(dependencies).sort())
  const page = await readFile(join(root, 'docs/operations.md'), 'utf8')
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const [, command = ''] = /--import \.\/deploy\/telemetry\/telemetry\.js (.+)/.exec(page) ?? []
  t.equal(`node ${command}`, scripts.start, 'and the page starts the service as npm start does')
})
