import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { prepareEnvironment } from '../../src/runtime/prepare-environment.ts'
import { readCode } from '../../src/runtime/read-code.ts'
import { readSettings } from '../../src/runtime/settings.ts'
import { python } from '../helpers/python.ts'
import { runRuntime } from '../helpers/runtime.ts'

const fixtures = join(import.meta.dirname, '../fixtures')
const project = join(fixtures, 'projects/conda-six')

/** A container that has a conda, which is a stand-in: what it was asked for, and the variables of its jobs. */
function container(folder: string) {
  cpSync(join(fixtures, 'conda/conda'), join(folder, 'conda'))
  const updates = () => {
    const calls = readFileSync(join(folder, 'calls.txt'), 'utf8').split('\n')
    return calls.filter(line => line.startsWith('env update'))
  }
  const variables = {
    PATH: `${folder}:${process.env.PATH}`,
    MLFLOW_JOBS_ENVIRONMENTS: ''
  }
  return { updates, variables }
}

/** Prepares the project with other words in its conda.yaml. */
async function prepare(
  folder: string,
  variables: NodeJS.ProcessEnv,
  { change = (file: string) => file, packages = [] as string[] } = {}
) {
  const codeFolder = join(folder, 'project')
  cpSync(project, codeFolder, { recursive: true })
  const file = join(codeFolder, 'conda.yaml')
  writeFileSync(file, change(readFileSync(file, 'utf8')))
  const log = new PassThrough()
  const printed = text(log)
  const prepared = await prepareEnvironment({
    manager: 'conda',
    environment: readCode(codeFolder).project.environment,
    pythonPin: 'exact',
    settings: readSettings({ ...process.env, ...variables, MLFLOW_JOBS_PYTHON: python() }),
    codeFolder,
    packages,
    privateFolder: join(folder, 'private'),
    say: line => log.write(`${line}\n`),
    log,
    signal: new AbortController().signal
  }).finally(() => log.end())
  return { ...prepared, printed: await printed }
}

t.test('a container with conda brings its environment up to date, activated, once', async t => {
  const folder = t.testdir({ bin: {}, first: {}, second: {} })
  const { updates, variables } = container(join(folder, 'bin'))
  const job = { project: 'conda-six', environment: variables }

  const first = await runRuntime({ ...job, base: join(folder, 'first') })
  const second = await runRuntime({
    ...job,
    base: join(folder, 'second'),
    hyperparameters: { 'sagemaker_mlflow_run_no-conda': 'null' }
  })

  for (const { exitCode, log } of [first, second]) {
    t.equal(exitCode, 0, log)
    t.match(log, /^six is 1\.16\.0 in training yes$/m)
  }
  t.match(first.log, /Updating the conda environment training from conda\.yaml\.\ndone$/m)
  t.match(second.log, /The conda environment training has all that conda\.yaml requires\.$/m)
  t.match(first.report.environment, { manager: 'conda', python: /^3\.\d/, reused: false })
  t.match(second.report.environment, { manager: 'conda', reused: true })
  const file = join(folder, 'first/code/conda.yaml')
  t.strictSame(updates(), [`env update --quiet --name training --file ${file}`])
})

t.test('what differs from what is there is left to conda', async t => {
  const folder = t.testdir({ bin: {} })
  const { updates, variables } = container(join(folder, 'bin'))
  await prepare(folder, variables)
  const isReused = async (from: string, to: string) =>
    (await prepare(folder, variables, { change: file => file.replace(from, to) })).reused

  t.equal(await isReused('six==1.16.0', 'six>=1.15'), true)
  t.equal(await isReused('openssl=3.0', 'openssl'), true)
  t.equal(await isReused('openssl=3.0', 'openssl=3'), true)
  t.equal(updates().length, 1)
  t.equal(await isReused('openssl=3.0', 'openssl=1.1'), false)
  t.equal(await isReused('openssl=3.0', 'curl'), false, 'a package that is not there')
  t.equal(await isReused('openssl=3.0', 'curl>=1'), false, 'a range, which is not judged')
  t.equal(await isReused('six==1.16.0', 'six==1.17.0'), false)
  t.equal(await isReused('- openssl', '- python=3.1\n  - openssl'), false)
})

t.test('CONDA_TRAINING_ENV names another environment', async t => {
  const folder = t.testdir({ bin: {} })
  const { updates, variables } = container(join(folder, 'bin'))

  const { variables: activated } = await prepare(folder, {
    ...variables,
    CONDA_TRAINING_ENV: 'other',
    MLFLOW_JOBS_ENVIRONMENTS: folder
  })

  t.match(updates(), [/--name other /])
  t.match(activated, { CONDA_DEFAULT_ENV: 'other', SET_ON_ACTIVATION: 'yes' })
  t.equal(dirname(activated.PATH?.split(':')[0] ?? ''), activated.CONDA_PREFIX)
})

t.test('what the job needs to log is added', async t => {
  const folder = t.testdir({ bin: {} })
  const { variables } = container(join(folder, 'bin'))

  const { printed } = await prepare(folder, variables, { packages: ['toml==0.10.2'] })

  t.match(printed, /toml==0\.10\.2/, 'uv’s words')
})

t.test('an update that fails is told in conda’s last words', async t => {
  const folder = t.testdir({ bin: {} })
  const { variables } = container(join(folder, 'bin'))
  const change = (file: string) => file.replace('six==1.16.0', 'six==0.0.0.1')

  await t.rejects(prepare(folder, variables, { change }), {
    kind: 'user',
    message: /^The conda environment training could not be updated from conda\.yaml: .*Pip failed/s
  })
})
