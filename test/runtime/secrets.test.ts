/** Secrets of a job through the real runtime and the real mlflow. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { readSecrets } from '../../src/runtime/read-secrets.ts'
import { secretsIn } from '../../src/runtime/secrets.ts'
import { readSettings } from '../../src/runtime/settings.ts'
import { runRuntime } from '../helpers/runtime.ts'

const literal = 'literal-4711-canary'
const kept = 'kept-0815-"canary"'

/** Prints its secrets in all ways, and raises with them. */
const leaking = {
  MLproject: 'entry_points:\n  main:\n    command: python leak.py\n',
  'leak.py': `import os, sys, time
a, b = os.environ["API_TOKEN"], os.environ["KEPT"]
assert b == ${JSON.stringify(kept)}
print("whole", a, b, flush=True)
for half in (a[:7], a[7:] + " halves\\n"):
    sys.stdout.write(half)
    sys.stdout.flush()
    time.sleep(0.2)
print("twice", a + a, flush=True)
raise ValueError(f"with {a} and {b}")
`
}

t.test('a job has its secrets, and nothing that it leaves tells them', async t => {
  const base = t.testdir({ ml: {}, project: leaking, secrets: { kept: `${kept}\n` } })
  const { exitCode, log, report, failureFile, tree } = await runRuntime({
    base: join(base, 'ml'),
    project: join(base, 'project'),
    environment: {
      API_TOKEN: literal,
      MLFLOW_JOBS_SECRET_NAMES: 'API_TOKEN',
      MLFLOW_JOBS_SECRET_FROM_KEPT: pathToFileURL(join(base, 'secrets/kept')).href
    }
  })

  t.equal(exitCode, 1)
  t.match(log, /^whole \*\*\* \*\*\*$/m)
  t.match(log, /^\*\*\* halves$/m)
  t.match(log, /^twice \*\*\*\*\*\*$/m)
  t.match(report.failure, { type: 'ValueError', message: 'with *** and ***' })
  t.match(failureFile, 'with *** and ***')
  for (const file of readdirSync(tree.output, { recursive: true, withFileTypes: true }))
    if (file.isFile())
      t.notMatch(readFileSync(join(file.parentPath, file.name), 'utf8'), 'canary', file.name)
})

t.test(
  'a secret that is not there fails the job, which says of which variable and where',
  async t => {
    const base = t.testdir({ project: leaking, ml: {} })
    const { exitCode, report, log } = await runRuntime({
      base: join(base, 'ml'),
      project: join(base, 'project'),
      environment: { MLFLOW_JOBS_SECRET_FROM_KEPT: 'file:///nowhere/kept' }
    })
    t.equal(exitCode, 1)
    t.match(report.failure, {
      kind: 'user',
      message: 'The variable KEPT has no value: file:///nowhere/kept is not there.'
    })
    t.match(log, 'The variable KEPT has no value')
  }
)

t.test('files that are none are told, and none is waited for', async t => {
  const folder = t.testdir({ large: 'x'.repeat(65_537), nul: 'a\0b' })
  mkdirSync(join(folder, 'folder'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const names = ['large', 'nul', 'folder', 'pipe']
  const settings = readSettings(
    Object.fromEntries(
      names.map(name => [`MLFLOW_JOBS_SECRET_FROM_${name}`, pathToFileURL(join(folder, name)).href])
    )
  )
  await t.rejects(readSecrets(settings, new AbortController().signal), {
    message: /large has more than 65536 bytes.*nul holds a NUL.*folder is no file.*pipe is no file/
  })
})

t.test('without a list of them, secrets are told by their names', async t => {
  const given = {
    API_TOKEN: 'a-long-token',
    AUTH: 'default',
    MODE: 'fast-and-plain',
    URL: 'http://me:hunter22@host'
  }
  t.same(new Set(secretsIn(readSettings(given))), new Set(['a-long-token', 'hunter22']))
  const listed = { ...given, MLFLOW_JOBS_SECRET_NAMES: 'MODE' }
  t.same(new Set(secretsIn(readSettings(listed))), new Set(['fast-and-plain', 'hunter22']))
})
