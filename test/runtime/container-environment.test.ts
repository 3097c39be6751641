import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { containerTree } from '../../src/contract/container.ts'
import { containerEnvironment } from '../../src/runtime/container-environment.ts'
import { isFirstHost, readConfig } from '../../src/runtime/read-config.ts'

const config = (files: Record<string, unknown>) => ({
  input: {
    config: Object.fromEntries(
      Object.entries(files).map(([name, value]) => [`${name}.json`, JSON.stringify(value)])
    )
  }
})

t.test('a job sees the variables that the original toolkit gives', async t => {
  const tree = containerTree(
    t.testdir(
      config({
        hyperparameters: {
          'batch-size': '256',
          lr: '1e-5',
          a: 'true',
          name: '"é x"',
          none: 'null',
          map: '{"b": 2, "a": [1.0]}',
          text: 's3://b/k',
          sagemaker_program: '"train.py"',
          sagemaker_mpi_enabled: 'true',
          sagemaker_job_name: '"job-1"',
          sagemaker_region: '"eu-west-1"'
        },
        resourceconfig: {
          current_host: 'algo-1',
          hosts: ['algo-2', 'algo-1'],
          network_interface_name: 'eth0',
          current_instance_type: 'ml.m5.xlarge'
        },
        inputdataconfig: { training: { TrainingInputMode: 'File' }, code: {} }
      })
    )
  )

  const env = await containerEnvironment(tree, await readConfig(tree), {
    TRAINING_JOB_NAME: 'job-1',
    PATH: '/nowhere'
  })

  const data = join(tree.base, 'input/data')
  t.match(env, {
    SM_MODEL_DIR: join(tree.base, 'model'),
    SM_OUTPUT_DATA_DIR: join(tree.base, 'output/data'),
    SM_OUTPUT_INTERMEDIATE_DIR: join(tree.base, 'output/intermediate'),
    SM_CHANNELS: '["code","training"]',
    SM_CHANNEL_TRAINING: join(data, 'training'),
    'SM_HP_BATCH-SIZE': '256',
    SM_HP_LR: '1e-5',
    SM_HP_NAME: 'é x',
    SM_HP_NONE: '',
    SM_HP_MAP: '{"a":[1.0],"b":2}',
    SM_HP_TEXT: 's3://b/k',
    SM_HPS:
      '{"a":true,"batch-size":256,"lr":1e-5,"map":{"a":[1.0],"b":2},"name":"\\u00e9 x","none":null,"text":"s3://b/k"}',
    SM_USER_ARGS:
      '["-a","True","--batch-size","256","--lr","1e-5","--map","b=2,a=[1.0]","--name","\\u00e9 x","--none","","--text","s3://b/k"]',
    SM_FRAMEWORK_PARAMS: '{"sagemaker_mpi_enabled":true}',
    SM_CURRENT_HOST: 'algo-1',
    CURRENT_HOST: 'algo-1',
    SM_HOSTS: '["algo-1","algo-2"]',
    SM_NETWORK_INTERFACE_NAME: 'eth0',
    SM_CURRENT_INSTANCE_TYPE: 'ml.m5.xlarge',
    SM_CURRENT_INSTANCE_GROUP: 'homogeneousCluster',
    SM_IS_HETERO: 'false',
    SM_NUM_CPUS: `${availableParallelism()}`,
    SM_NUM_GPUS: '0',
    SM_LOG_LEVEL: '20',
    SM_USER_ENTRY_POINT: 'train.py',
    SM_MODULE_NAME: 'train',
    SM_MODULE_DIR: join(tree.base, 'code'),
    SM_INPUT_DATA_CONFIG: '{"code":{},"training":{"TrainingInputMode":"File"}}',
    SAGEMAKER_JOB_NAME: 'job-1',
    SAGEMAKER_REGION: 'eu-west-1'
  })
  t.match(JSON.parse(env.SM_TRAINING_ENV ?? ''), {
    is_master: true,
    job_name: 'job-1',
    master_hostname: 'algo-1',
    channel_input_dirs: { training: join(data, 'training') }
  })
})

t.test('missing configuration files are no fault', async t => {
  const tree = containerTree(t.testdir())
  const read = await readConfig(tree)
  const env = await containerEnvironment(tree, read, {})
  t.ok(isFirstHost(read))
  t.match(env, { SM_CHANNELS: '[]', SM_HPS: '{}', SM_HOSTS: '["algo-1"]', SM_USER_ARGS: '[]' })
})

t.test('the first host by name runs the project, whatever their order', async t => {
  const read = async (current_host: string) =>
    readConfig(
      containerTree(
        t.testdir(config({ resourceconfig: { current_host, hosts: ['algo-2', 'algo-1'] } }))
      )
    )
  t.ok(isFirstHost(await read('algo-1')))
  t.notOk(isFirstHost(await read('algo-2')))
})

t.test('values of other callers that are no strings are taken as JSON', async t => {
  const tree = containerTree(t.testdir(config({ hyperparameters: { n: 3, flag: true } })))
  t.strictSame((await readConfig(tree)).hyperparameters, { n: '3', flag: 'true' })
})

t.test('a configuration file that is no JSON object is named', async t => {
  const file = (text: string) =>
    containerTree(t.testdir({ input: { config: { 'resourceconfig.json': text } } }))
  await t.rejects(readConfig(file('{')), {
    kind: 'platform',
    message: /resourceconfig\.json is not JSON/
  })
  await t.rejects(readConfig(file('[]')), { message: /resourceconfig\.json holds no JSON object/ })
})
