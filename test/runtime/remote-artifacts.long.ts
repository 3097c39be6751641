import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { imagePython } from '../helpers/image-python.ts'
import { python } from '../helpers/python.ts'
import { runRuntime } from '../helpers/runtime.ts'
import { startS3 } from '../helpers/s3-server.ts'

t.setTimeout(300_000)

const s3 = await startS3()
t.teardown(s3.stop)
await s3.makeBucket('artifacts')
const image = await imagePython()
const server = await startServer()
const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/tests'

/** A tracking server that leaves S3 to its clients, as those of SageMaker do. */
async function startServer(): Promise<string> {
  const port = String(await freePort())
  const store = ['--backend-store-uri', `sqlite:///${join(testFolder(t), 'mlflow.db')}`]
  const artifacts = ['--default-artifact-root', 's3://artifacts/root', '--no-serve-artifacts']
  const listen = ['--host', '127.0.0.1', '--port', port, '--workers', '1']
  const words = ['-m', 'mlflow', 'server', ...store, ...artifacts, ...listen]
  const subprocess = execa(image, words, {
    env: { ...s3.environment, MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
    detached: true,
    stdio: 'ignore',
    reject: false
  })
  t.teardown(async () => {
    if (subprocess.pid) process.kill(-subprocess.pid, 'SIGTERM')
    await subprocess
  })
  const address = `http://127.0.0.1:${port}`
  while (!(await isUp(address))) {
    if (subprocess.nodeChildProcess.exitCode !== null)
      throw new Error('The tracking server did not start.')
    await sleep(100)
  }
  return address
}

function isUp(address: string): Promise<boolean> {
  return fetch(`${address}/health`).then(
    ({ ok }) => ok,
    () => false
  )
}

t.test('models and artifacts in S3 arrive in the model folder', async t => {
  const { exitCode, log, report, tree } = await runRuntime({
    base: testFolder(t),
    project: 'trains',
    hyperparameters: { alpha: '0.25' },
    environment: { ...s3.environment, MLFLOW_JOBS_PYTHON: image, MLFLOW_TRACKING_URI: server }
  })

  t.equal(exitCode, 0, log)
  const folder = join(tree.model, 'mlflow_run_artifacts')
  t.match(readFileSync(join(folder, 'model/MLmodel'), 'utf8'), /python_function/)
  t.equal(readFileSync(join(folder, 'notes/hello.txt'), 'utf8'), 'hello')
  const [artifact] = report.files.filter(({ path }) => path.endsWith('inner.txt'))
  t.match(artifact?.path, `child_runs/${report.childRuns[0]?.id}`)
  t.notMatch(log, /resolving request headers/, 'no warning of a plugin for other servers')
})

t.test(
  'a job logs to an ARN, from the environment of its project, and its artifacts arrive',
  async t => {
    const folder = t.testdir({ plugin: {}, job: {} })
    const plugin = join(folder, 'plugin')
    const list = join(import.meta.dirname, '../../src/runtime/requirements-arn.txt')
    const install = ['pip', 'install', '--no-deps', '--target', plugin, '--requirement', list]
    await execa(join(image, '../uv'), ['--quiet', ...install, '--python', image])

    const { exitCode, log, report, tree } = await runRuntime({
      base: join(folder, 'job'),
      project: 'logs-by-skinny',
      hyperparameters: { 'sagemaker_mlflow_run_env-manager': 'uv' },
      environment: {
        ...s3.environment,
        MLFLOW_JOBS_PYTHON: image,
        MLFLOW_JOBS_ARN_PACKAGES: plugin,
        MLFLOW_TRACKING_URI: arn,
        SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: server
      }
    })

    t.equal(exitCode, 0, log)
    t.match(log, /^packages: boto3 sagemaker-mlflow$/m)
    t.match(log, /^prefix: .*environments/m)
    t.match(report, { metrics: { loss: 0.5 }, run: { trackingUri: arn, status: 'FINISHED' } })
    const file = join(tree.model, 'mlflow_run_artifacts/notes/hello.txt')
    t.equal(readFileSync(file, 'utf8'), 'hello')
  }
)

t.test('an ARN without what reads it is told in a sentence', async t => {
  const { exitCode, report } = await runRuntime({
    base: testFolder(t),
    project: 'exits',
    environment: { MLFLOW_JOBS_PYTHON: python(), MLFLOW_TRACKING_URI: arn }
  })

  t.equal(exitCode, 1)
  t.match(report.failure, {
    kind: 'platform',
    message: /has no sagemaker-mlflow, which it needs where MLFLOW_TRACKING_URI is an ARN\. Install/
  })
})
