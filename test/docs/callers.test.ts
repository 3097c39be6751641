/** docs/callers.md as its readers would do it: a real service, keys by the script. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'

const root = join(import.meta.dirname, '../..')

t.test('a key lets its caller in until it is taken away, without a restart', async t => {
  const folder = testFolder(t)
  const port = await freePort()
  const env = {
    PATH: process.env.PATH,
    API_KEYS_FILE: join(folder, 'keys.json'),
    DATA_DIR: join(folder, 'data'),
    PORT: `${port}`,
    PYTHON: process.execPath,
    MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
    LOG_LEVEL: 'silent'
  }
  const keys = (...words: string[]) =>
    execa('npm', ['run', '--silent', 'keys', '--', ...words], { cwd: root, env })
  const { stdout: key } = await keys('add', 'ci', '--tenant', 'risk', '--scopes', 'read,submit')
  const service = spawn(process.execPath, [join(root, 'src/server/main.ts')], {
    env,
    stdio: 'inherit'
  })
  t.teardown(async () => {
    service.kill('SIGINT')
    if (service.exitCode === null) await once(service, 'exit')
  })
  const ask = async (authorization?: string) =>
    (
      await fetch(`http://127.0.0.1:${port}/jobs`, {
        headers: authorization ? { authorization } : {}
      })
    ).status
  while ((await ask().catch(() => 0)) !== 401) await sleep(100)

  t.equal(await ask(`Bearer ${key}`), 200)
  await keys('remove', 'ci')
  await sleep(1100)
  t.equal(await ask(`Bearer ${key}`), 401)
})
