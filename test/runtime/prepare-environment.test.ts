import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import t from 'tap'
import type { EnvManager } from '../../src/contract/mlflow-run-options.ts'
import type { ProjectEnvironment } from '../../src/contract/project.ts'
import {
  chooseManager,
  type Manager,
  prepareEnvironment
} from '../../src/runtime/prepare-environment.ts'
import { loggingPackages } from '../../src/runtime/project-packages.ts'
import { fits } from '../../src/runtime/satisfied.ts'
import { readSettings } from '../../src/runtime/settings.ts'
import { sweepEnvironments } from '../../src/server/backends/local/sweep-environments.ts'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { python } from '../helpers/python.ts'

const pythonEnv: ProjectEnvironment = {
  kind: 'python_env',
  file: 'python_env.yaml',
  python: null,
  requirements: [],
  buildRequirements: [],
  untranslated: []
}
const condaEnv: ProjectEnvironment = { ...pythonEnv, kind: 'conda_env', file: 'conda.yaml' }

function prepare(
  folder: string,
  environment: ProjectEnvironment,
  {
    manager = 'uv',
    pythonPin = 'exact',
    path = process.env.PATH ?? '',
    variables = {},
    signal = new AbortController().signal,
    onSay = () => {}
  }: {
    manager?: Manager
    pythonPin?: 'exact' | 'minor'
    path?: string
    variables?: NodeJS.ProcessEnv
    signal?: AbortSignal
    onSay?: () => void
  } = {}
) {
  const log = new PassThrough()
  const settings = readSettings({
    ...process.env,
    ...variables,
    PATH: path,
    UV_PYTHON_DOWNLOADS: 'never',
    MLFLOW_JOBS_PYTHON: python(),
    MLFLOW_JOBS_ENVIRONMENTS: join(folder, 'environments')
  })
  const prepared = prepareEnvironment({
    manager,
    environment,
    pythonPin,
    settings,
    codeFolder: folder,
    packages: [],
    privateFolder: join(folder, 'private'),
    say: onSay,
    log,
    signal
  }).finally(() => log.end())
  return { prepared, printed: text(log) }
}

/** A folder with a `conda` that notes how it was called and makes a prefix. */
function standIn(folder: string): string {
  const file = join(folder, 'conda')
  writeFileSync(
    file,
    `#!/bin/sh
[ "$1" = --version ] && exit 0
echo "conda $*"
while [ $# -gt 0 ]; do [ "$1" = --prefix ] && mkdir -p "$2/bin"; shift; done
`
  )
  chmodSync(file, 0o755)
  return `${folder}:${process.env.PATH}`
}

t.test('a Python that cannot be had is named, with those there are and what to do', async t => {
  const environment = { ...pythonEnv, python: '3.8.6' }

  const { prepared } = prepare(testFolder(t), environment)

  await t.rejects(prepared, {
    kind: 'user',
    message:
      /^Python 3\.8\.6, which python_env\.yaml pins, is not on this machine and could not be downloaded\. This machine has 3\..*any release of Python 3\.8 do by run\.pythonPin: "minor"\.$/
  })
})

t.test('any patch of the minor version does where the caller says so', async t => {
  const minor = /^3\.\d+/.exec((await prepare(testFolder(t), pythonEnv).prepared).python ?? '')?.[0]
  const environment = { ...pythonEnv, python: `${minor}.999` }

  const { prepared } = prepare(testFolder(t), environment, { pythonPin: 'minor' })

  t.ok((await prepared).python?.startsWith(`${minor}.`))
})

t.test('an environment that the program uses is not swept under it', async t => {
  const folder = testFolder(t)
  const { interpreter } = await prepare(folder, pythonEnv).prepared
  await sweepEnvironments({ folder, milliseconds: 0, bytes: 0, say: text => t.fail(text) })
  t.ok(existsSync(interpreter))
})

t.test('requirements that cannot be met are the fault of their author', async t => {
  const environment = { ...pythonEnv, requirements: ['six==0.0.0.1'] }

  const { prepared, printed } = prepare(testFolder(t), environment)

  await t.rejects(prepared, {
    kind: 'user',
    message: /^What python_env\.yaml requires could not be installed: .*six/s
  })
  t.match(await printed, /six==0\.0\.0\.1/, 'uv’s words are in the log')
})

t.test('old packages find the pkg_resources that they import', async t => {
  const { prepared } = prepare(testFolder(t), pythonEnv)
  const { variables } = await prepared

  const { exitCode } = await execa('python', ['-c', 'import pkg_resources'], { env: variables })

  t.equal(exitCode, 0)
})

t.test('a setuptools that the project pins is the one it gets', async t => {
  const environment = { ...pythonEnv, buildRequirements: ['setuptools==65.5.1'] }

  const { variables } = await prepare(testFolder(t), environment).prepared
  const program = 'import setuptools; print(setuptools.__version__)'
  const { stdout } = await execa('python', ['-W', 'ignore', '-c', program], { env: variables })

  t.equal(stdout, '65.5.1')
})

t.test('hashes that are wanted are checked, as pip does: not of what is there already', async t => {
  const right = '9dcc4547dbb1cb284accfb15ab5667a0e5d1881cc443e0677b4882a4067a807e'
  const hashed = (hash: string) => ({
    ...pythonEnv,
    requirements: ['--require-hashes', `gunicorn==20.1.0 --hash=sha256:${hash}`]
  })

  t.ok(await prepare(testFolder(t), hashed(right)).prepared, 'it needs setuptools')

  await t.rejects(prepare(testFolder(t), hashed('0'.repeat(64))).prepared, {
    kind: 'user',
    message: /^What python_env\.yaml requires could not be installed: .*hash/is
  })
})

t.test('uv looks for packages where pip is told to', async t => {
  const asked: (string | undefined)[] = []
  const index = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => index.close())
  await once(index, 'listening')
  const { port } = index.address() as AddressInfo
  const variables = indexAt(`http://127.0.0.1:${port}/packages`)
  const environment = { ...pythonEnv, requirements: ['six'] }

  await t.rejects(prepare(testFolder(t), environment, { variables }).prepared)

  t.match(asked[0], /^\/packages\//)
})

t.test('an index that cannot be reached is named, and is not the author’s fault', async t => {
  const url = `http://127.0.0.1:${await freePort()}/simple`
  const variables = { ...indexAt(url), UV_HTTP_RETRIES: '0' }

  const { prepared } = prepare(testFolder(t), pythonEnv, { variables })

  await t.rejects(prepared, {
    kind: 'platform',
    message: new RegExp(`: error: .*${url}.*refused`, 's')
  })
})

const indexAt = (url: string) => ({
  PIP_INDEX_URL: url,
  UV_DEFAULT_INDEX: undefined,
  UV_INDEX: undefined,
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1'
})

t.test('an environment that installs the project itself is no other job’s', async t => {
  const folder = t.testdir({
    'pyproject.toml':
      '[project]\nname = "own"\nversion = "1"\n[tool.setuptools]\npy-modules = ["own"]',
    'own.py': ''
  })
  const environment = { ...pythonEnv, requirements: ['-e .'] }

  const { variables, reused } = await prepare(folder, environment).prepared

  t.equal(reused, false)
  t.equal(variables.VIRTUAL_ENV, join(folder, 'private/venv'))
  t.same(readdirSync(join(folder, 'environments')), ['building.use'])
})

t.test('a stop ends the building, and what was built is not taken for whole', async t => {
  const folder = testFolder(t)
  const stopping = new AbortController()

  const { prepared } = prepare(folder, pythonEnv, {
    signal: stopping.signal,
    onSay: () => stopping.abort()
  })

  await t.rejects(prepared, { message: 'The job was stopped on request.' })
  t.strictSame((await prepare(folder, pythonEnv).prepared).reused, false)
})

t.test('conda builds a conda_env into a prefix that later jobs use', async t => {
  const folder = t.testdir({ 'conda.yaml': 'dependencies: [python=3.8]', bin: {} })
  const path = standIn(join(folder, 'bin'))

  const first = prepare(folder, condaEnv, { manager: 'conda', path })
  const { variables, reused } = await first.prepared
  const second = await prepare(folder, condaEnv, { manager: 'conda', path }).prepared

  t.match(
    await first.printed,
    `conda env create --quiet --prefix ${variables.CONDA_PREFIX} --file ${join(folder, 'conda.yaml')}`
  )
  t.ok(variables.PATH?.startsWith(`${variables.CONDA_PREFIX}/bin:`))
  t.equal(reused, false)
  t.match(second, { reused: true, variables: { CONDA_PREFIX: variables.CONDA_PREFIX ?? '' } })
})

t.test('the environment manager is chosen by what is asked, named and there', async t => {
  const folder = t.testdir({ bin: {}, none: {} })
  const none = { ...pythonEnv, kind: 'none' as const, file: null }
  const withConda = standIn(join(folder, 'bin'))
  const choose = (
    wanted: EnvManager | undefined,
    environment: ProjectEnvironment,
    PATH = join(folder, 'none'),
    variables: NodeJS.ProcessEnv = { MLFLOW_JOBS_ENVIRONMENTS: folder }
  ) => {
    const settings = readSettings({ PATH, MLFLOW_JOBS_PYTHON: 'python3', ...variables })
    return chooseManager({ wanted, environment, pythonPin: 'exact', codeFolder: folder, settings })
  }

  t.match(await choose(undefined, none, withConda), { manager: 'local' })
  t.match(await choose('local', condaEnv, withConda), { manager: 'local' })
  t.match(await choose(undefined, pythonEnv, withConda), { manager: 'uv' })
  t.match(await choose(undefined, condaEnv, withConda), { manager: 'conda' })
  t.match(await choose(undefined, condaEnv), { manager: 'uv' })
  t.match(await choose('uv', condaEnv, withConda), { manager: 'uv' })
  t.match(await choose('virtualenv', pythonEnv), { manager: 'uv', note: /by uv/ })
  await t.rejects(choose('conda', condaEnv), { message: /there is no conda/ })
  await t.rejects(choose('conda', pythonEnv, withConda), { message: /cannot build a python_env/ })
  const container = await choose('local', condaEnv, withConda, {})
  t.match(container, { manager: 'conda' }, 'a container’s own environment is the one of conda')
})

t.test('an environment is not built where the interpreter has all that it requires', async t => {
  const folder = testFolder(t)
  const settings = readSettings({ ...process.env, MLFLOW_JOBS_PYTHON: python() })
  const managerOf = async (
    changes: Partial<ProjectEnvironment>,
    pythonPin: 'exact' | 'minor' = 'exact',
    wanted?: EnvManager
  ) => {
    const environment = { ...pythonEnv, ...changes }
    const choice = { wanted, environment, pythonPin, codeFolder: folder, settings }
    return (await chooseManager(choice)).manager
  }
  const { stdout } = await execa(python(), ['--version'])
  const [, exact = '', minor = ''] = /^Python ((3\.\d+)\.\d+)/.exec(stdout) ?? []
  const held = { requirements: ['mlflow', 'scikit-learn>=1', 'no-such; python_version < "3"'] }

  t.equal(await managerOf(held), 'local')
  t.equal(await managerOf({ ...held, python: exact, buildRequirements: ['pip==1'] }), 'local')
  t.equal(await managerOf({ ...held, python: minor }), 'local')
  t.equal(await managerOf({ ...held, python: `${minor}.99` }), 'uv')
  t.equal(await managerOf({ ...held, python: `${minor}.99` }, 'minor'), 'local')
  t.equal(await managerOf({ requirements: ['mlflow', 'six==1.0'] }), 'uv')
  t.equal(await managerOf({ requirements: ['-e .'] }), 'uv', 'the project itself may change')
  t.equal(await managerOf(held, 'exact', 'uv'), 'uv', 'who asks for uv gets it')
})

t.test('a version of Python is held against pins and ranges', async t => {
  for (const wanted of [
    null,
    '3',
    '3.11',
    '3.11.7',
    '3.11.*',
    '>=3.8,<3.12',
    '>3.10',
    '!=3.10',
    '<=3.11.7'
  ])
    t.ok(fits('3.11.7', wanted), `${wanted}`)
  for (const wanted of [
    '3.1',
    '3.11.70',
    '>=3.12',
    '<3.11',
    '!=3.11',
    '>3.11.7',
    '~=3.11',
    'pypy3.11'
  ])
    t.notOk(fits('3.11.7', wanted), wanted)
  t.notOk(fits('', null), 'no interpreter')
})

t.test('what a job needs to log is installed, unless the project requires it itself', t => {
  const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/x'
  const own = { ...pythonEnv, requirements: ['Boto3[crt]==1.40', 'SageMaker_MLflow'] }
  t.strictSame(loggingPackages('http://h', 'mlflow-artifacts:/0/a', pythonEnv), [])
  t.strictSame(loggingPackages('http://h', 's3://b/0/a', pythonEnv), ['boto3'])
  t.strictSame(loggingPackages(arn, null, pythonEnv), ['boto3', 'sagemaker-mlflow'])
  t.strictSame(loggingPackages(arn, 's3://b/0/a', own), [])
  t.end()
})

t.test('variables for building reach the building alone', async t => {
  const { buildVariables, variables } = readSettings({
    PATH: '/bin',
    MLFLOW_JOBS_PYTHON: '/opt/python/bin/python',
    MLFLOW_JOBS_BUILD_ONLY: 'PIP_INDEX_URL,UV_CACHE_DIR',
    PIP_INDEX_URL: 'https://user:secret@index.example',
    OTHER: 'x'
  })
  t.match(buildVariables, { PIP_INDEX_URL: 'https://user:secret@index.example', OTHER: 'x' })
  t.match(variables, { OTHER: 'x', PATH: '/opt/python/bin:/bin', PYTHONUNBUFFERED: '1' })
  t.notHas(variables, { PIP_INDEX_URL: '' })
  t.strictSame(
    Object.keys(variables).filter(name => name.startsWith('MLFLOW_JOBS_')),
    []
  )
})
