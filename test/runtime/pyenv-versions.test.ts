import { join } from 'node:path'
import t from 'tap'
import { withPyenvVersions } from '../../src/runtime/pyenv-versions.ts'

t.test('the Pythons that pyenv has come last on the PATH', async t => {
  const pyenv = t.testdir({ shims: {}, versions: { '3.9.1': {}, '3.10.2': {} } })
  const path = `/usr/bin:${join(pyenv, 'shims')}:/bin`

  t.equal(
    await withPyenvVersions(path),
    `${path}:${join(pyenv, 'versions/3.10.2/bin')}:${join(pyenv, 'versions/3.9.1/bin')}`
  )
})

t.test('a PATH without pyenv stays as it is', async t => {
  for (const path of ['', '/usr/bin:/bin', `/bin:${t.testdir({ shims: {} })}/shims`])
    t.equal(await withPyenvVersions(path), path)
})
