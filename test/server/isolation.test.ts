/** What the whole service says of how jobs are kept apart, and to whom. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hashOf, makeKey } from '../../src/server/callers/api-key.ts'
import { readConfig } from '../../src/server/config.ts'
import { createService } from '../../src/server/service.ts'
import { testFolder } from '../helpers/folder.ts'
import { noSandbox } from '../helpers/no-sandbox.ts'
import { sagemakerEnvironment } from '../helpers/sagemaker-service.ts'

async function serviceWith(t: Test, environment: Record<string, string>) {
  const { PATH } = process.env
  const config = readConfig({
    PATH,
    DATA_DIR: environment.DATA_DIR ?? testFolder(t),
    ...environment
  })
  const service = await createService(config, false)
  t.teardown(() => service.close({ keepServer: false }))
  return service.app
}

const isolationOf = async (t: Test, environment: Record<string, string>) =>
  (await (await serviceWith(t, environment)).inject('/')).json().isolation

t.test('local jobs behind a wall are in a sandbox', { skip: noSandbox }, async t => {
  t.equal(await isolationOf(t, {}), 'sandbox')
})

t.test('local jobs without a wall are in none', async t => {
  t.equal(await isolationOf(t, { LOCAL_SANDBOX: 'none' }), 'none')
  t.equal(await isolationOf(t, { PATH: '/nowhere' }), 'none', 'there is no bwrap')
})

t.test('jobs on SageMaker have instances of their own', async t => {
  t.equal(await isolationOf(t, sagemakerEnvironment), 'instance')
})

t.test('who is not known is not told', async t => {
  const key = makeKey()
  const folder = testFolder(t)
  const file = join(folder, 'keys.json')
  const entry = { name: 'ops', tenant: 'default', scopes: ['read'], sha256: hashOf(key) }
  await writeFile(file, JSON.stringify({ keys: [{ ...entry, createdAt: '2026-11-30T08:00:00Z' }] }))
  const app = await serviceWith(t, {
    DATA_DIR: join(folder, 'data'),
    API_KEYS_FILE: file,
    LOCAL_SANDBOX: 'none'
  })

  t.match((await app.inject('/')).json(), { status: 401, isolation: undefined })
  t.notMatch((await app.inject('/readyz')).body, /sandbox|isolation/)
  const headers = { authorization: `Bearer ${key}` }
  t.equal((await app.inject({ url: '/', headers })).json().isolation, 'none')
})
