import { readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { preparePython } from '../../../../src/server/backends/local/python.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { python } from '../../../helpers/python.ts'

/** What builds here: small, so that a whole build takes seconds. */
const pins = 'uv==0.13.9\nidna==3.11\n'

const forBuilding = /^(PATH|HOME|(PIP|UV)_.*|.*_(proxy|PROXY)|SSL_CERT_(FILE|DIR))$/

const ownEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => forBuilding.test(entry[0]) && entry[1] !== undefined
  )
)

function setUp(t: Test, environment: Record<string, string> = {}) {
  const place = t.testdir({ 'requirements.txt': pins, bin: {} })
  const folder = join(place, 'python')
  const said: string[] = []
  const options = {
    folder,
    requirements: join(place, 'requirements.txt'),
    environment: { ...ownEnvironment, ...environment },
    onProgress: (text: string) => void said.push(text)
  }
  return { bin: join(place, 'bin'), folder, said, options }
}

/** What a PATH leads to whose only program is a python3 that says this of itself. */
async function withOnly(t: Test, said: Record<string, unknown>) {
  const { bin, options } = setUp(t)
  const script = join(bin, 'python3')
  await writeFile(script, `#!/bin/sh\necho '${JSON.stringify(said)}'\n`, { mode: 0o755 })
  return preparePython({ ...options, environment: { PATH: bin } })
}

t.test(
  'builds an environment once, finds it again, and anew when its interpreter is gone',
  async t => {
    const { folder, said, options } = setUp(t)
    const [first, second] = await Promise.all([preparePython(options), preparePython(options)])
    t.equal(first.python, second.python)
    t.equal(said.filter(text => text.startsWith('creating a virtual environment')).length, 1)
    t.ok(said.includes('waiting for another process that prepares it'))
    t.match(said.at(-1), /^done in \d+ s$/)

    const { stdout } = await execa(first.python, ['-c', 'import idna; print(idna.__cached__)'])
    t.match(stdout, /\.pyc$/)
    await execa(join(first.bin, 'uv'), ['--version'])

    said.length = 0
    t.strictSame(await preparePython(options), first)
    t.strictSame(said, [])
    const before = await readdir(folder)
    t.equal(before.length, 3, 'the link, what it leads to, the lock')

    await rm(first.python)
    await symlink('/nowhere/python', first.python)
    t.strictSame(await preparePython(options), first)
    t.match(said.at(-1), /^done in \d+ s$/)
    t.equal((await readdir(folder)).length, before.length, 'the ruin is removed')
  }
)

t.test('a build that is cut off leaves nothing that counts as whole', async t => {
  const { folder, options } = setUp(t)
  const cut = new AbortController()
  const onProgress = (text: string) => {
    if (text.startsWith('downloading uv')) cut.abort()
  }
  await t.rejects(preparePython({ ...options, onProgress, signal: cut.signal }))
  t.match(await readdir(folder), [/\.lock$/])
  t.equal((await readdir(folder)).length, 1)
})

t.test('says which Python is too old', async t => {
  const old = { version: '3.8.10', executable: '/usr/bin/python3', venv: true }
  await t.rejects(withOnly(t, old), {
    message:
      'Python 3.8.10 (/usr/bin/python3) is too old: 3.10 or newer is needed. Install one, or set PYTHON to an interpreter that has mlflow and uv.'
  })
})

t.test('says that the venv module is missing', async t => {
  const bare = { version: '3.11.2', executable: '/usr/bin/python3', venv: false }
  await t.rejects(withOnly(t, bare), {
    message:
      'Python 3.11.2 (/usr/bin/python3) has no venv module. Install it (on Debian and Ubuntu: apt install python3-venv), or set PYTHON to an interpreter that has mlflow and uv.'
  })
})

t.test('says that there is no Python', async t => {
  const { bin, options } = setUp(t)
  await t.rejects(preparePython({ ...options, environment: { PATH: bin } }), {
    message: /^No Python was found: neither python3, .* is on PATH and runs\. Install Python 3\.10/
  })
})

t.test('says which package index cannot be reached, without its password', async t => {
  const port = await freePort()
  const { options } = setUp(t, {
    PIP_INDEX_URL: `http://user:secret@127.0.0.1:${port}/simple`,
    PIP_RETRIES: '1',
    PIP_FIND_LINKS: '',
    PIP_NO_CACHE_DIR: '1'
  })
  await t.rejects(preparePython(options), {
    message: new RegExp(
      `^The package index \\(http://127.0.0.1:${port}/simple\\) could not be reached: .*refused\\. Check the network`
    )
  })
})

t.test('says that the folder cannot be written', async t => {
  const { options } = setUp(t)
  const folder = join(options.requirements, 'python')
  await t.rejects(preparePython({ ...options, folder }), {
    message: `The folder ${folder} cannot be written (ENOTDIR). Make it writable, or set DATA_DIR to another folder.`
  })
})

t.test('takes the interpreter that is given when it has mlflow and uv', async t => {
  const { folder, options } = setUp(t)
  const prepared = await preparePython({ ...options, python: python() })
  t.equal(prepared.bin, dirname(prepared.python))
  await t.rejects(readdir(folder), { code: 'ENOENT' }, 'nothing is built')
})

t.test('says what the interpreter that is given lacks', async t => {
  const { bin, options } = setUp(t)
  await execa(python(), ['-m', 'venv', '--without-pip', bin])
  const bare = join(bin, 'bin', 'python')
  await t.rejects(preparePython({ ...options, python: bare }), {
    message: `PYTHON is ${bare}, which has no mlflow and no uv. Run "${bare} -m pip install mlflow uv", or leave PYTHON unset: then an environment is prepared.`
  })
  await t.rejects(preparePython({ ...options, python: '/nowhere/python' }), {
    message: /^PYTHON is \/nowhere\/python, which cannot be run as a Python interpreter\./
  })
})
