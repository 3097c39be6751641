import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { create } from 'tar'
import type { Job } from '../../src/server/routes/schemas.ts'
import { apiImage, engine, hostNetwork, runContainer, slimImage } from '../helpers/container.ts'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { startS3 } from '../helpers/s3-server.ts'
import { startSageMaker } from '../helpers/sagemaker/index.ts'
import { sagemakerEnvironment } from '../helpers/sagemaker-service.ts'

t.test('a project sent by curl is trained inside, and its job outlives the container', async t => {
  const project = join(testFolder(t), 'project.tar.gz')
  await create(
    { cwd: join(import.meta.dirname, '../../examples/wine-quality'), file: project, gzip: true },
    ['.']
  )
  const volume = await newVolume(t)
  const first = await startService(t, volume)

  const submitted = await curl(
    '-F',
    `project=@${project}`,
    '-F',
    'parameters={"alpha":0.5}',
    `${first.url}/jobs`
  )
  const { id } = JSON.parse(submitted) as Job
  const log = await curl(`${first.url}/jobs/${id}/logs?follow=true`)
  const job = JSON.parse(await curl(`${first.url}/jobs/${id}`)) as Job
  const identity = await engine('exec', first.name, 'id', '-u')
  const health = await engine('exec', first.name, ...(await healthCommand()))
  const write = await engine('exec', first.name, 'touch', '/opt/mlflow-jobs/x')
  const { exitCode } = await first.stop()

  t.match(job, { status: 'succeeded', model: { sizeBytes: Number } }, log)
  t.equal(identity.stdout, '10001')
  t.equal(health.exitCode, 0, health.all)
  t.match(write.all, /Read-only file system/)
  t.equal(exitCode, 0, 'SIGTERM ends it well')

  const second = await startService(t, volume)
  const again = JSON.parse(await curl(`${second.url}/jobs/${id}`)) as Job
  const model = await curl(
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    `${second.url}/jobs/${id}/model`
  )

  t.equal(again.status, 'succeeded')
  t.equal(model, '200')
})

t.test('SIGTERM lets an open request end', async t => {
  const service = await startService(t, await newVolume(t))
  const folder = t.testdir({
    project: {
      MLproject: 'entry_points: {main: {command: python x.py}}',
      'x.py': '',
      data: randomBytes(300_000).toString('hex')
    }
  })
  const project = join(folder, 'project.tar.gz')
  await create({ cwd: join(folder, 'project'), file: project, gzip: true }, ['.'])

  // At this rate the upload takes some three seconds.
  const upload = curl(
    ...['--limit-rate', '100k', '-o', '/dev/null', '-w', '%{http_code}'],
    ...['-F', `project=@${project}`, `${service.url}/jobs`]
  )
  await sleep(1000)
  const { exitCode } = await service.stop()

  t.equal(await upload, '202')
  t.equal(exitCode, 0)
})

t.test('the slim image makes training jobs of SageMaker, and keeps their models in S3', async t => {
  const s3 = await startS3()
  await s3.makeBucket(sagemakerEnvironment.S3_BUCKET)
  const emulator = await startSageMaker({ s3, knobs: { run: 'pretend' } })
  t.teardown(async () => {
    await emulator.stop()
    await s3.stop()
  })
  const project = join(testFolder(t), 'project.tar.gz')
  const cwd = join(import.meta.dirname, '../../examples/wine-quality')
  await create({ cwd, file: project, gzip: true }, ['.'])
  const service = await startService(t, await newVolume(t), {
    image: slimImage,
    environment: { ...emulator.environment, ...sagemakerEnvironment },
    // The emulated SageMaker is on this machine's loopback.
    options: hostNetwork
  })

  const form = ['-F', `project=@${project}`, '-F', 'parameters={"alpha":0.5}']
  const { id } = JSON.parse(await curl(...form, `${service.url}/jobs`)) as Job
  const log = await curl(`${service.url}/jobs/${id}/logs?follow=true`)
  const job = JSON.parse(await curl(`${service.url}/jobs/${id}`)) as Job
  const model = await curl(
    ...['-o', '/dev/null', '-w', '%{http_code}'],
    `${service.url}${job.links.model}`
  )
  const { exitCode } = await service.stop()

  t.match(job, { status: 'succeeded', backend: { name: 'sagemaker' } }, log)
  t.match(log, `${id} pretends to train`)
  t.same([...emulator.jobs.keys()], [id])
  t.equal(model, '200')
  t.equal(exitCode, 0)
})

t.test('without a word on who may reach it, the service does not start', async t => {
  const { exitCode, all } = await runContainer([apiImage])

  t.equal(exitCode, 1)
  t.match(all, /HOST is "0\.0\.0\.0".*ALLOW_UNAUTHENTICATED/s)
})

/** The image's own check of its health. */
async function healthCommand(): Promise<string[]> {
  const { stdout } = await engine(
    'inspect',
    '--type',
    'image',
    '--format',
    '{{json .Config.Healthcheck.Test}}',
    apiImage
  )
  const [, ...command] = JSON.parse(stdout) as string[]
  return command
}

async function newVolume(t: Test): Promise<string> {
  const { stdout } = await engine('volume', 'create')
  t.teardown(() => engine('volume', 'rm', '--force', stdout))
  return stdout
}

interface Container {
  image?: string
  environment?: Record<string, string>
  options?: string[]
}

/** With as few rights as compose.yaml gives it. */
async function startService(
  t: Test,
  volume: string,
  { image = apiImage, environment = {}, options }: Container = {}
) {
  const port = await freePort()
  const name = `mlflow-jobs-test-${port}`
  const container = runContainer([
    ...['--name', name, '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--volume', `${volume}:/data`],
    ...(options ?? ['--publish', `127.0.0.1:${port}:${port}`]),
    ...Object.entries({ ALLOW_UNAUTHENTICATED: 'true', PORT: port, ...environment }).flatMap(
      ([name, value]) => ['--env', `${name}=${value}`]
    ),
    image
  ])
  const stop = async () => {
    container.kill('SIGTERM')
    return container
  }
  t.teardown(stop)
  const url = `http://127.0.0.1:${port}`
  const up = curl('--retry', '60', '--retry-delay', '1', '--retry-all-errors', `${url}/healthz`)
  const ended = container.then(({ all }) => {
    throw new Error(`The container ended: ${all}`)
  })
  await Promise.race([up, ended])
  return { name, url, stop }
}

async function curl(...words: string[]): Promise<string> {
  const { stdout } = await execa('curl', ['--silent', '--show-error', ...words])
  return stdout
}
