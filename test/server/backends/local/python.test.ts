import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { preparePython } from '../../../../src/server/backends/local/python.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { preparation } from '../../../helpers/preparation.ts'
import { python } from '../../../helpers/python.ts'

/** What a PATH leads to whose only program is a python3 that says this of itself. */
async function withOnly(t: Test, said: Record<string, unknown>) {
  const { bin, options } = preparation(t)
  const script = join(bin, 'python3')
  await writeFile(script, `#!/bin/sh\necho '${JSON.stringify(said)}'\n`, { mode: 0o755 })
  return preparePython({ ...options, environment: { PATH: bin } })
}

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
  const { bin, options } = preparation(t)
  await t.rejects(preparePython({ ...options, environment: { PATH: bin } }), {
    message: /^No Python was found: neither python3, .* is on PATH and runs\. Install Python 3\.10/
  })
})

t.test('says which package index cannot be reached, without its password', async t => {
  const port = await freePort()
  const { options } = preparation(t, {
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
  const { options } = preparation(t)
  const folder = join(options.requirements, 'python')
  await t.rejects(preparePython({ ...options, folder }), {
    message: `The folder ${folder} cannot be written (ENOTDIR). Make it writable, or set DATA_DIR to another folder.`
  })
})

t.test('takes the interpreter that is given when it has mlflow and uv', async t => {
  const { folder, options } = preparation(t)
  const prepared = await preparePython({ ...options, python: python() })
  t.equal(prepared.bin, dirname(prepared.python))
  await t.rejects(readdir(folder), { code: 'ENOENT' }, 'nothing is built')
})

t.test('says what the interpreter that is given lacks', async t => {
  const { bin, options } = preparation(t)
  await execa(python(), ['-m', 'venv', '--without-pip', bin])
  const bare = join(bin, 'bin', 'python')
  await t.rejects(preparePython({ ...options, python: bare }), {
    message: `PYTHON is ${bare}, which has no mlflow and no uv. Run "${bare} -m pip install mlflow uv", or leave PYTHON unset: then an environment is prepared.`
  })
  await t.rejects(preparePython({ ...options, python: '/nowhere/python' }), {
    message: /^PYTHON is \/nowhere\/python, which cannot be run as a Python interpreter\./
  })
})
