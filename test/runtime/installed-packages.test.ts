import t from 'tap'
import { lockDigest } from '../../src/contract/lock-digest.ts'
import { installedPackages } from '../../src/runtime/installed-packages.ts'
import { python } from '../helpers/python.ts'

const { signal } = new AbortController()
const variables = { PATH: process.env.PATH ?? '' }

t.test('the packages of an interpreter are told by name, each once', async t => {
  const installed = await installedPackages(python(), variables, signal)

  const names = installed?.packages.map(({ name }) => name) ?? []
  t.match(installed?.python, /^3\.\d+\.\d+/)
  t.match(
    installed?.packages.find(({ name }) => name === 'mlflow'),
    { version: /^3\.\d+\.\d+/ }
  )
  t.equal(new Set(names).size, names.length)
  const lower = names.map(name => name.toLowerCase())
  t.strictSame(lower, lower.toSorted())
})

t.test('an interpreter that cannot say costs the job nothing', async t => {
  t.equal(await installedPackages('false', variables, signal), undefined)
  t.equal(await installedPackages('/nowhere/python', variables, signal), undefined)
})

t.test('the digest of a lock is that of its lines', async t => {
  const packages = [
    { name: 'mlflow', version: '3.13.0' },
    { name: 'numpy', version: '2.3.1' }
  ]

  // printf 'python==3.11.9\nmlflow==3.13.0\nnumpy==2.3.1\n' | sha256sum
  t.equal(
    lockDigest('3.11.9', packages),
    'sha256:bb03ddf57f2367358b1ec64b8f1b26625f081d84f02927a68c74e498b1f85f94'
  )
})
