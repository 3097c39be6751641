/** docs/callers.md as its readers would do it: a real service, keys by the script. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { spawnService } from '../helpers/spawn-service.ts'

const root = join(import.meta.dirname, '../..')

t.test('a key lets its caller in until it is taken away, without a restart', async t => {
  const folder = testFolder(t)
  const env = {
    API_KEYS_FILE: join(folder, 'keys.json'),
    DATA_DIR: join(folder, 'data'),
    PYTHON: process.execPath,
    MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
    LOG_LEVEL: 'silent'
  }
  const keys = (...words: string[]) =>
    execa('npm', ['run', '--silent', 'keys', '--', ...words], { cwd: root, env })
  const { stdout: key } = await keys('add', 'ci', '--tenant', 'risk', '--scopes', 'read,submit')
  const { url, serves, end } = spawnService(await freePort(), env)
  t.teardown(() => end('SIGINT'))
  t.ok(await serves())
  const ask = async (authorization?: string) =>
    (await fetch(`${url}/jobs`, { headers: authorization ? { authorization } : {} })).status

  t.equal(await ask(), 401)
  t.equal(await ask(`Bearer ${key}`), 200)
  await keys('remove', 'ci')
  while ((await ask(`Bearer ${key}`)) !== 401) await sleep(100)
})
