import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { readResults, readRun, runRuntime, startRuntime } from '../helpers/runtime.ts'

const main = join(import.meta.dirname, '../../src/runtime/main.ts')

t.test('a run leaves its models, artifacts, metrics and parameters', async t => {
  const { exitCode, log, report, failureFile, tree } = await runRuntime({
    base: t.testdir(),
    project: 'trains',
    hyperparameters: { alpha: '0.25', sagemaker_mlflow_tags: '{"team":"risk"}' }
  })

  t.equal(exitCode, 0, log)
  t.match(log, /^alpha is 0\.25 channels are \["code"\]$/m)
  t.match(report, {
    run: { experimentName: 'trains', status: 'FINISHED' },
    metrics: { loss: 1 / 3, gap: 'NaN' },
    params: { alpha: '0.25', rate: '1e-05' },
    tags: { team: 'risk', 'mlflow.source.type': 'PROJECT', 'mlflow.project.entryPoint': 'main' },
    childRuns: [{ name: 'inner', parentId: report.run?.id, metrics: { inner_loss: 0.25 } }],
    environment: { manager: 'local' },
    failure: null,
    exitCode: 0
  })
  t.strictSame(
    report.metricHistory.loss?.map(point => [point.step, point.value]),
    [
      [0, 1],
      [1, 1 / 2],
      [2, 1 / 3]
    ]
  )
  const [newest, older] = report.models
  t.match(newest, { name: 'model', path: 'mlflow_run_artifacts/model' })
  t.equal(older?.path, `mlflow_run_artifacts/model-${older?.modelId}`)
  const files = report.files.map(({ path }) => path)
  for (const path of [
    `${newest?.path}/MLmodel`,
    `${older?.path}/MLmodel`,
    'mlflow_run_artifacts/notes/hello.txt',
    `mlflow_run_artifacts/child_runs/${report.childRuns[0]?.id}/inner.txt`,
    'own.txt'
  ]) {
    t.ok(files.includes(path), path)
  }
  t.equal(readFileSync(join(tree.model, 'own.txt'), 'utf8'), 'own', 'a link became what it led to')
  t.match(report.warnings, [/made in the experiment "trains"/])
  t.equal(failureFile, null)
})

t.test('a failed job tells the exception of its program', async t => {
  const { exitCode, report, failureFile } = await runRuntime({
    base: t.testdir(),
    project: 'raises',
    hyperparameters: { alpha: '-1.0' }
  })

  t.equal(exitCode, 1)
  t.match(report.failure, {
    kind: 'user',
    type: 'ValueError',
    message: 'bad alpha',
    file: 'checks/helper.py',
    line: 3,
    exitCode: 1
  })
  t.match(report.failure?.traceback, /^Traceback.*ValueError: bad alpha$/s)
  t.match(failureFile, /^ValueError: bad alpha\n\(checks\/helper\.py, line 3\)\n\nTraceback/)
  t.equal((await readRun(report.run?.id)).info.status, 'FAILED')
  t.strictSame(report.params, { alpha: '-1.0' }, 'parameters are logged all the same')
})

t.test('a stopped job keeps what was logged, and leaves no process and no running run', async t => {
  const { subprocess, tree } = await startRuntime({
    base: t.testdir(),
    project: 'waits',
    environment: { MLFLOW_JOBS_STOP_GRACE_SECONDS: '1' }
  })
  let stubborn = 0
  for await (const line of subprocess.iterable({ from: 'all' })) {
    const [, pid] = /^waiting beside (\d+)/.exec(line) ?? []
    if (!pid) continue
    stubborn = Number(pid)
    subprocess.kill('SIGTERM')
  }
  const { exitCode } = await subprocess

  const { report } = readResults(tree)
  t.equal(exitCode, 143)
  t.match(report, {
    run: { status: 'KILLED' },
    failure: { kind: 'stopped' },
    metrics: { before: 1 }
  })
  t.ok(existsSync(join(tree.model, 'mlflow_run_artifacts/half-done/MLmodel')))
  t.equal((await readRun(report.run?.id)).info.status, 'KILLED')
  const { stdout: state } = await execa('ps', ['-o', 'stat=', '-p', `${stubborn}`], {
    reject: false
  })
  t.match(state, /^(?:Z.*)?$/, 'the child that ignored SIGINT is gone')
})

t.test('a run does not stay RUNNING when the process that speaks to MLflow is killed', async t => {
  const { subprocess, tree } = await startRuntime({ base: t.testdir(), project: 'waits' })
  for await (const line of subprocess.iterable({ from: 'all' })) {
    const [, pid] = /^waiting beside \d+ below (\d+)/.exec(line) ?? []
    if (pid) process.kill(Number(pid), 'SIGKILL')
  }
  const { exitCode } = await subprocess

  const { report } = readResults(tree)
  t.equal(exitCode, 1)
  t.match(report.failure, { kind: 'platform', message: /was killed by SIGKILL/ })
  t.match(report, { run: { status: 'FAILED' }, metrics: { before: 1 } })
})

t.test('parameters arrive byte for byte', async t => {
  const text = ' a "b" \'c\'\n$(touch injected) `touch injected` \\ -é🙂\t{x} %s '
  const { log, report, tree } = await runRuntime({
    base: t.testdir(),
    project: 'prints-parameters',
    hyperparameters: { text: JSON.stringify(text), number: '1e-5', extra: '--leading' }
  })

  const printed = /^arguments: (.*)$/m.exec(log)?.[1] ?? log
  t.strictSame(JSON.parse(printed), [text, '1e-5', 'True', '--extra', '--leading'])
  t.strictSame(report.params, { text, number: '1e-5', flag: 'True', extra: '--leading' })
  t.notOk(existsSync(join(tree.code, 'injected')))
})

t.test(
  'the steps of a project are its child runs, and the step that failed is the cause',
  async t => {
    const { exitCode, report } = await runRuntime({
      base: t.testdir(),
      project: 'steps',
      hyperparameters: { alpha: '-2' }
    })

    t.equal(exitCode, 1)
    t.match(report.failure, { type: 'ValueError', message: 'bad alpha in a step', file: 'step.py' })
    t.match(report.childRuns, [
      { entryPoint: 'step', status: 'FAILED', metrics: { squared: 4 }, params: { alpha: '-2' } }
    ])
    const step = `mlflow_run_artifacts/child_runs/${report.childRuns[0]?.id}/step.txt`
    t.match(report.files, [{ path: step, sizeBytes: 4 }])
  }
)

t.test(
  'two jobs build the environment that they share once, and the program runs in it',
  async t => {
    const folder = t.testdir({ one: {}, two: {} })
    const jobs = await Promise.all(
      ['one', 'two'].map(name => runRuntime({ base: join(folder, name), project: 'needs-six' }))
    )

    for (const { exitCode, log } of jobs) {
      t.equal(exitCode, 0, log)
      t.match(log, /^six is 1\.16\.0 in .*environments/m)
    }
    const managers = jobs.map(({ report }) => report.environment?.manager)
    t.strictSame(managers, ['uv', 'uv'])
    t.strictSame(jobs.map(({ report }) => report.environment?.reused).sort(), [false, true])
    const [warning] = jobs[0]?.report.warnings ?? []
    t.match(warning, /logged no metric and left no model/)
  }
)

t.test('the exit code of the program is the job’s', async t => {
  const { exitCode, report, failureFile } = await runRuntime({
    base: t.testdir(),
    project: 'exits'
  })

  t.equal(exitCode, 3)
  t.match(report.failure, { kind: 'user', type: null, exitCode: 3 })
  t.equal(failureFile, 'The program ended with exit code 3. It printed last: words')
})

t.test('a host that is not the first has nothing to do', async t => {
  const job = { base: t.testdir(), project: 'exits' }
  const { subprocess, tree } = await startRuntime(job, { current_host: 'algo-2' })

  t.match(await subprocess, { exitCode: 0, stdout: /algo-1 runs the project; algo-2 has nothing/ })
  for (const folder of [tree.code, tree.model, tree.output]) t.notOk(existsSync(folder), folder)
})

t.test('an interpreter that is not there is the platform’s failure', async t => {
  const environment = { MLFLOW_JOBS_PYTHON: '/nowhere/python' }

  const { exitCode, report } = await runRuntime({
    base: t.testdir(),
    project: 'exits',
    environment
  })

  t.equal(exitCode, 1)
  t.match(report, {
    failure: { kind: 'platform', message: /\(\/nowhere\/python\) could not be started: .*ENOENT/ },
    run: null
  })
})

t.test('arguments other than train are refused', async t => {
  const run = (...words: string[]) => execa(process.execPath, [main, ...words], { reject: false })

  const [serve, unknown, help] = await Promise.all([run('serve'), run('fly'), run('--help')])

  t.match(serve, { exitCode: 2, stderr: /does not serve models/ })
  t.match(unknown, { exitCode: 2, stderr: /Unknown arguments: fly/ })
  t.match(help, { exitCode: 0, stdout: /Usage: main\.ts.* prepare FOLDER/s })
})
