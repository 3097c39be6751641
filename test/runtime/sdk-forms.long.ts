import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { python } from '../helpers/python.ts'
import { runRuntime } from '../helpers/runtime.ts'

const main = join(import.meta.dirname, '../../src/runtime/main.ts')
const projects = join(import.meta.dirname, '../fixtures/projects')

t.test('what the SDK makes of values by str() arrives as it is, and its options work', async t => {
  const { exitCode, log, report } = await runRuntime({
    base: t.testdir(),
    project: 'prints-parameters',
    hyperparameters: {
      text: "{'a': 1}",
      number: '1.0',
      flag: 'None',
      extra: 'True',
      'sagemaker_mlflow_run_experiment-name': 'by the SDK',
      'sagemaker_mlflow_run_no-conda': 'null',
      'sagemaker_mlflow_run_env-manager': 'local',
      sagemaker_mlflow_experiment_id: '2.0'
    }
  })

  t.equal(exitCode, 0, log)
  t.ok(log.includes(`arguments: ["{'a': 1}", "1.0", "None", "--extra", "True"]`), log)
  t.equal(report.run?.experimentName, 'by the SDK')
  const warning =
    /The hyperparameter sagemaker_mlflow_experiment_id is unknown and was ignored.*sagemaker_mlflow_run_experiment-id/
  t.match(log, warning)
  t.match(report.warnings, [warning])
})

t.test('what the SDK makes of values by JSON arrives without it', async t => {
  const json = {
    text: '"a b"',
    number: '1e-5',
    flag: 'true',
    'sagemaker_mlflow_run_experiment-name': '"by the SDK"',
    'sagemaker_mlflow_run_no-conda': '"None"',
    sagemaker_program: '"print.py"',
    sagemaker_container_log_level: '20',
    sagemaker_job_name: '"job-1"',
    sagemaker_region: '"us-east-1"'
  }

  const { exitCode, log, report } = await runRuntime({
    base: t.testdir(),
    project: 'prints-parameters',
    hyperparameters: json
  })

  t.equal(exitCode, 0, log)
  t.match(log, /^arguments: \["a b", "1e-5", "true"\]$/m)
  t.equal(report.tags['mlflow.project.entryPoint'], 'main', 'the MLproject file has a main')
})

t.test('a script without an MLproject file runs as MLflow runs it', async t => {
  const { exitCode, log, report } = await runRuntime({
    base: t.testdir(),
    project: 'script-only',
    hyperparameters: { sagemaker_program: '"train.py"', alpha: '1.0', l1: '0.5' }
  })

  t.equal(exitCode, 0, log)
  t.match(log, /^arguments: \['--alpha', '1\.0', '--l1', '0\.5'\]$/m)
  t.match(report, { params: { alpha: '1.0', l1: '0.5' }, environment: { manager: 'local' } })
  t.equal(report.tags['mlflow.project.entryPoint'], 'train.py')
})

t.test(
  'the program has its container’s credentials, and its own words are the failure',
  async t => {
    const { exitCode, log, failureFile } = await runRuntime({
      base: t.testdir(),
      project: 'writes-failure',
      hyperparameters: { 'batch-size': '32' },
      environment: {
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/x',
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: ''
      }
    })

    for (const line of [
      // It is there, and not shown: whoever reaches it has the credentials.
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=***',
      'AWS_REGION=eu-west-1',
      'AWS_DEFAULT_REGION=eu-west-1',
      'SM_HP_BATCH-SIZE=32',
      'SM_HP_BATCH_SIZE=32'
    ])
      t.ok(log.split('\n').includes(line), line)
    t.equal(exitCode, 7)
    t.equal(failureFile, 'in my own words')
  }
)

t.test('an environment that was prepared ahead is there when the job starts', async t => {
  const folder = t.testdir({ job: {} })
  const environments = join(folder, 'environments')
  const words = [main, 'prepare', join(projects, 'needs-six')]
  const env = { MLFLOW_JOBS_PYTHON: python(), MLFLOW_JOBS_ENVIRONMENTS: environments }

  const ahead = await execa(process.execPath, words, { env, all: true })
  const again = await execa(process.execPath, words, { env, all: true })
  const job = await runRuntime({ base: join(folder, 'job'), project: 'needs-six' })

  t.match(ahead.all, /The environment is prepared\.$/)
  t.match(again.all, /There is nothing to prepare\.$/)
  t.match(job, { exitCode: 0, report: { environment: { manager: 'uv', reused: true } } })
})

t.test('what cannot be prepared ahead is told', async t => {
  const folder = t.testdir({
    MLproject: 'python_env: python_env.yaml',
    'python_env.yaml': 'dependencies: ["-e ."]'
  })
  const prepare = (path: string) =>
    execa(process.execPath, [main, 'prepare', path], {
      env: { MLFLOW_JOBS_PYTHON: python() },
      reject: false
    })

  t.match(await prepare(folder), { exitCode: 1, stderr: /each job builds its own environment/ })
  t.match(await prepare(join(projects, 'script-only')), {
    exitCode: 1,
    stderr: /could not be prepared\. There is no MLproject file/
  })
})
