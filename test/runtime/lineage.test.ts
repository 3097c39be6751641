import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { runReportFile } from '../../src/contract/container.ts'
import { lockDigest } from '../../src/contract/lock-digest.ts'
import { readMetricLine } from '../../src/contract/read-metric-line.ts'
import { readResults, startRuntime } from '../helpers/runtime.ts'

t.test('while a program runs its metrics are told, and in the end what it ran with', async t => {
  const base = t.testdir()
  const go = join(base, 'go')
  const { tree, subprocess } = await startRuntime({
    base,
    project: 'logs-on',
    hyperparameters: { go },
    environment: {
      MLFLOW_JOBS_METRIC_LINES: 'true',
      MLFLOW_JOBS_IMAGE_VERSION: '2026.1',
      TRAINING_JOB_ARN: 'arn:aws:sagemaker:us-east-1:123456789012:training-job/job-a'
    }
  })
  const metrics = () =>
    existsSync(join(tree.outputData, runReportFile)) ? readResults(tree).report.metrics : {}
  while (!('loss' in metrics())) await sleep(50)
  t.strictSame(metrics(), { gap: 'NaN', loss: 1 })
  t.equal(readResults(tree).report.exitCode, null, 'it still runs')
  writeFileSync(go, '')

  const { exitCode, all: log = '' } = await subprocess

  const { report } = readResults(tree)
  const [news] = log.split('\n').flatMap(line => readMetricLine(line) ?? [])
  t.equal(exitCode, 0, log)
  t.strictSame(news, { run: report.run?.id, metrics: { gap: 'NaN', loss: 1 } })
  t.match(report.metrics, { gap: 'NaN', loss: 0.5, late: 1 })
  t.equal(report.command, 'python train.py {go}')
  t.match(report.runtime, { version: /^\d/, image: '2026.1', os: process.platform })
  const { python = null, packages } = report.environment ?? {}
  t.ok(packages?.some(({ name }) => name === 'mlflow'))
  t.match(report.tags, {
    'mlflow-jobs.runtime.version': report.runtime?.version,
    'mlflow-jobs.image.version': '2026.1',
    'mlflow-jobs.platform': `${process.platform} ${process.arch}`,
    'mlflow-jobs.trainingJob.arn': /training-job\/job-a$/,
    'mlflow-jobs.python': python,
    'mlflow-jobs.environment.digest': lockDigest(python, packages ?? [])
  })
})
