import t from 'tap'
import { checkLimits } from '../../../../src/server/backends/sagemaker/check-limits.ts'
import { aBackendJob, settings } from '../../../helpers/sagemaker-backend.ts'

type Changes = Parameters<typeof aBackendJob>[0]

const check = (changes: Changes, more: Partial<typeof settings> = {}) =>
  checkLimits(aBackendJob(changes), { ...settings, ...more }, 'http://tracking:5000')
const pointers = (...args: Parameters<typeof check>) => check(...args).map(({ pointer }) => pointer)
const many = (count: number, prefix: string, value = 'x') =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, value]))

t.test('a job within all limits has no fault', async t => {
  t.same(
    check({
      hyperparameters: { ...many(99, 'p'), ['k'.repeat(256)]: 'v'.repeat(2500) },
      environment: { ...many(97, 'E'), [`E${'N'.repeat(511)}`]: 'v'.repeat(512) },
      tags: many(49, 't'),
      inputs: many(19, 'c', `s3://training/${'k'.repeat(1024 - 14)}`),
      resources: {
        instanceType: 'ml.c5.xlarge',
        spot: true,
        maxRuntimeSeconds: 60,
        maxWaitSeconds: 60
      }
    }),
    []
  )
})

t.test('each limit has its pointer, and all faults are said at once', async t => {
  t.same(
    pointers({
      hyperparameters: { ...many(100, 'p'), long: 'v'.repeat(2501) },
      environment: { ...many(99, 'E'), LONG: 'v'.repeat(513) },
      tags: many(50, 't'),
      inputs: { ...many(19, 'c', 's3://training/x'), ftp: 'ftp://host/x' },
      resources: { instanceType: 'ml.m5.xlrage', memoryMb: 512, cpus: 1, maxWaitSeconds: 5 }
    }),
    [
      '/parameters/long',
      '/parameters',
      '/environment/LONG',
      '/environment',
      '/tags',
      '/inputs/ftp',
      '/inputs',
      '/resources/instanceType',
      '/resources/memoryMb',
      '/resources/cpus',
      '/resources/maxWaitSeconds'
    ]
  )
})

t.test('what the service makes of fields points at the fields', async t => {
  const long = `"${'x'.repeat(2500)}"`
  const hyperparameters = {
    'sagemaker_mlflow_run_run-name': long,
    'sagemaker_mlflow_run_entry-point': long,
    sagemaker_mlflow_tags: long,
    sagemaker_mlflow_project_path: long
  }
  t.same(pointers({ hyperparameters }), ['/run/runName', '/entryPoint', '/tags', '/path'])
})

t.test('a long value is told its length and where it can go', async t => {
  const [fault] = check({ hyperparameters: { 'a/b': `"${'x'.repeat(2500)}"` } })
  t.same(fault, {
    pointer: '/parameters/a~1b',
    detail:
      'As JSON it has 2502 characters, and SageMaker takes at most 2500. Put it into a file of the project or of an input channel.'
  })
})

t.test('names and URIs that are too long or of another kind', async t => {
  t.same(pointers({ hyperparameters: { ['k'.repeat(257)]: '1', 'a\nb': '1' } }).length, 2)
  t.same(pointers({ environment: { ['E'.repeat(513)]: '1' } }).length, 1)
  for (const uri of [
    'https://example.com/training/x',
    'https://s3.amazonaws.com/',
    's3://',
    's3://A/x',
    's3://arn:aws:s3:us-east-1:123456789012:accesspoint/training/x',
    's3://training/a\nb',
    `s3://training/${'k'.repeat(1025)}`
  ])
    t.same(pointers({ inputs: { train: uri } }), ['/inputs/train'], uri.slice(0, 40))
})

t.test('every form of a URI that SageMaker takes, and S3 can have', async t => {
  for (const uri of [
    's3://training',
    's3://training/a b/ü',
    's3://Old_Bucket.of-2012/x',
    `s3://${'b'.repeat(255)}/x`,
    'https://training.s3.amazonaws.com/x',
    'https://training.s3.eu-central-1.amazonaws.com/x',
    'https://s3-us-west-2.amazonaws.com/training/x'
  ])
    t.same(pointers({ inputs: { train: uri } }), [], uri.slice(0, 40))
})

t.test('characters are counted, not the halves of surrogate pairs', async t => {
  const face = '\u{1F600}'
  const within = {
    hyperparameters: { [face.repeat(256)]: face.repeat(2500) },
    environment: { FACES: face.repeat(512) },
    inputs: { train: `s3://training/${face.repeat(1010)}` }
  }
  t.same(pointers(within), [])
  t.match(check({ environment: { FACES: face.repeat(513) } }), [{ detail: /this one has 513/ }])
})

t.test('more tags or variables than any backend takes are one fault, of the fields', async t => {
  t.same(pointers({ tags: many(51, 't'), environment: many(101, 'E') }), [])
})

t.test('a job without a network reaches no tracking server', async t => {
  const isolated = { networkIsolation: true }
  const logsTo = (uri: string) => ({ environment: { MLFLOW_TRACKING_URI: uri } })
  for (const uri of [
    'http://tracking:5000',
    'HTTPS://tracking',
    'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/x'
  ]) {
    t.same(pointers(logsTo(uri), isolated), ['/environment/MLFLOW_TRACKING_URI'])
    t.same(pointers(logsTo(uri)), [])
  }
  t.same(pointers(logsTo('file:///tmp/runs'), isolated), [])
})

t.test('tags that are not the caller’s', async t => {
  t.same(
    pointers(
      { tags: { 'aws:x': '1', 'mlflow-jobs:job': '1', cost: '1', team: 'risk' } },
      { tags: { cost: '2', team: 'risk' } }
    ),
    ['/tags/aws:x', '/tags/mlflow-jobs:job', '/tags/cost']
  )
})

t.test('an instance type that is nearly right is named', async t => {
  const [fault] = check({ resources: { instanceType: 'ml.m5.xlrage' } })
  t.equal(fault?.detail, 'SageMaker trains on no "ml.m5.xlrage"; did you mean "ml.m5.xlarge"?')
})

t.test('spot, waiting and warm pools', async t => {
  const spot = { defaults: { ...settings.defaults, spot: true } }
  const warm = { defaults: { ...settings.defaults, keepAliveSeconds: 60 } }
  t.same(pointers({ resources: { maxWaitSeconds: 4000 } }), ['/resources/maxWaitSeconds'])
  t.same(pointers({ resources: { maxWaitSeconds: 4000 } }, spot), [])
  t.same(pointers({ resources: { maxWaitSeconds: 3000 } }, spot), ['/resources/maxWaitSeconds'])
  t.same(pointers({ resources: { keepAliveSeconds: 60 } }, spot), ['/resources/keepAliveSeconds'])
  t.same(pointers({ resources: { keepAliveSeconds: 60, spot: false } }, spot), [])
  t.same(pointers({ resources: { spot: true } }, warm), [], 'a warm pool by default yields')
})

t.test('a secret is one of those that the operator has named, and never sent itself', async t => {
  const secret = (name: string) =>
    `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`
  const named = { secretArnPrefixes: [secret('ml/{tenant}/').replace('-AbCdEf', '')] }
  const faults = (changes: Changes, more = {}) =>
    check({ tenant: 'risk', ...changes }, more).map(
      ({ pointer, detail }) => `${pointer}: ${detail}`
    )
  const reference = (valueFrom: string) => ({ secretReferences: { A: valueFrom } })

  t.same(faults(reference(secret('ml/risk/token')), named), [])
  t.match(faults(reference(secret('ml/other/token')), named), [/^\/environment\/A: .*ml\/risk\/\*/])
  t.match(faults(reference(secret('ml/risk/token'))), [/has to name those in SECRET_ARN_PREFIXES/])
  t.match(faults(reference('file:///run/secrets/a'), named), [/give the ARN of a secret/])
  t.match(faults(reference(secret('ml/risk/token')), { ...named, networkIsolation: true }), [
    /have no network here/
  ])
  t.match(
    faults({ environment: { A: 'value' }, secretNames: ['A'], markedSecrets: ['A'] }, named),
    [/^\/environment\/A: .*whoever may describe the training job/]
  )
})
t.test(
  'data in S3 is below what the operator has named, a tenant’s own where that says so',
  async t => {
    const pointers = (uri: string, inputRoots: string[]) =>
      checkLimits(
        aBackendJob({ tenant: 'a', inputs: { train: uri } }),
        { ...settings, inputRoots },
        null
      ).map(({ pointer, detail }) => `${pointer} ${detail}`)
    const roots = ['s3://data/{tenant}/', 's3://common/']
    for (const uri of ['s3://data/a/', 's3://data/a/x', 's3://common/', 's3://common/b/x.csv'])
      t.strictSame(pointers(uri, roots), [], uri)
    for (const uri of [
      's3://data/a',
      's3://data/b/',
      's3://data/ab/',
      's3://data/',
      's3://common',
      's3://commoner/x',
      's3://other/s3://common/',
      'https://common.s3.amazonaws.com/x'
    ])
      t.match(
        pointers(uri, roots),
        [/^.inputs.train The data must be below .* s3:..data.a., s3:..common.\.$/],
        uri
      )
    t.match(pointers('s3://data/a/', []), [/has to name it in INPUT_ROOTS/])
  }
)
