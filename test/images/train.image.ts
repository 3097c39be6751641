import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runContainer, trainImage } from '../helpers/container.ts'
import { makeTree, type RuntimeJob, readResults } from '../helpers/runtime.ts'

interface ContainerJob extends RuntimeJob {
  network?: boolean
}

t.test('a project is trained as SageMaker would have it, without a network', async t => {
  const { exitCode, log, report, tree } = await train({
    base: t.testdir(),
    project: '../../../examples/wine-quality',
    hyperparameters: { alpha: '"0.25"', 'sagemaker_mlflow_run_env-manager': 'local' },
    network: false
  })

  t.equal(exitCode, 0, log)
  t.match(report, { run: { status: 'FINISHED' }, params: { alpha: '0.25' }, failure: null })
  t.ok(existsSync(join(tree.model, 'mlflow_run_artifacts/model/MLmodel')))
})

t.test('a failing project leaves its exception and its exit code', async t => {
  const { exitCode, log, failureFile } = await train({
    base: t.testdir(),
    project: 'raises',
    hyperparameters: { alpha: '-1.0' },
    network: false
  })

  t.equal(exitCode, 1, log)
  t.match(failureFile, /^ValueError: /)
})

t.test('SIGTERM stops the program, and what it had logged is kept', async t => {
  const { container, tree } = await start({
    base: t.testdir(),
    project: 'waits',
    environment: { MLFLOW_JOBS_STOP_GRACE_SECONDS: '1' }
  })
  for await (const line of container.iterable({ from: 'all' }))
    if (line.startsWith('waiting beside')) container.kill('SIGTERM')
  const { exitCode } = await container

  const { report } = readResults(tree)
  t.equal(exitCode, 143)
  t.match(report, {
    run: { status: 'KILLED' },
    failure: { kind: 'stopped' },
    metrics: { before: 1 }
  })
  t.ok(existsSync(join(tree.model, 'mlflow_run_artifacts/half-done/MLmodel')))
})

t.test('orphans of the program are reaped while it runs', async t => {
  const { exitCode, log } = await train({ base: t.testdir(), project: 'makes-orphans' })

  t.equal(exitCode, 0, log)
  t.match(log, /^20 orphans have ended, of which 0 are zombies$/m)
})

t.test('"train" may be left out; help and a wrong command are answered', async t => {
  const nothing = await runContainer([trainImage])
  const help = await runContainer([trainImage, '--help'])
  const serve = await runContainer([trainImage, 'serve'])

  t.match(nothing, { exitCode: 1, all: /There is no code: set the hyperparameter/ })
  t.match(help, { exitCode: 0, all: /^Usage: / })
  t.match(serve, { exitCode: 2, all: /does not serve models/ })
})

t.test('the image has what the runtime needs, and nothing below /opt/ml', async t => {
  const inside = (...words: string[]) =>
    runContainer(['--entrypoint', words[0] ?? '', trainImage, ...words.slice(1)])
  const missing = await inside(
    'ls',
    '/opt/ml',
    '/opt/mlflow-jobs/node_modules/@aws-sdk',
    '/opt/mlflow-jobs/src/server'
  )
  const versions = await inside('python', '-c', 'import boto3, mlflow, sys; print(sys.prefix)')

  t.equal(missing.all.match(/No such file/g)?.length, 3, missing.all)
  t.match(versions.all, /^\/opt\/training$/m)
})

async function start({ environment = {}, network = true, ...job }: ContainerJob) {
  const tree = await makeTree(job)
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    '--env',
    `${name}=${value}`
  ])
  const mount = ['--volume', `${tree.base}:/opt/ml`]
  return {
    container: runContainer([...mount, ...variables, trainImage, 'train'], { network }),
    tree
  }
}

async function train(job: ContainerJob) {
  const { container, tree } = await start(job)
  const { exitCode, all: log } = await container
  return { exitCode, log, tree, ...readResults(tree) }
}
