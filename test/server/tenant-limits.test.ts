/** The service as a process, with limits from its environment and from its file of keys. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { hashOf, makeKey } from '../../src/server/callers/api-key.ts'
import { testFolder } from '../helpers/folder.ts'
import { startService, submit } from '../helpers/service-process.ts'

const keyOf = (tenant: string, key: string) => ({
  name: tenant,
  tenant,
  scopes: ['read', 'submit'],
  sha256: hashOf(key),
  createdAt: '2026-11-30T08:00:00Z'
})

t.test('what the file of keys says of a tenant goes before what all have', async t => {
  const folder = testFolder(t)
  const file = join(folder, 'keys.json')
  const tokens = { large: makeKey(), small: makeKey() }
  const keys = Object.entries(tokens).map(([tenant, key]) => keyOf(tenant, key))
  const write = async (tenants: object) => {
    await writeFile(`${file}.new`, JSON.stringify({ keys, tenants }))
    await rename(`${file}.new`, file)
  }
  await write({ large: { queuedJobs: 2 } })
  const { url } = await startService(t, join(folder, 'data'), {
    API_KEYS_FILE: file,
    TENANT_MAX_QUEUED_JOBS: '1',
    TENANT_REQUESTS_PER_MINUTE: '500'
  })
  const headersOf = (tenant: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[tenant]}` })
  const send = (tenant: keyof typeof tokens) => submit(url, headersOf(tenant))
  const requestsOf = async (tenant: keyof typeof tokens) =>
    (await fetch(`${url}/jobs`, { headers: headersOf(tenant) })).headers.get('ratelimit-limit')

  await send('small')
  await t.rejects(send('small'), { message: /no more than 1 of one tenant may/ })
  await send('large')
  await send('large')
  await t.rejects(send('large'), { message: /no more than 2 of one tenant may/ })
  t.equal(await requestsOf('large'), '500', 'what it does not say stays')

  await write({ large: { queuedJobs: null, requestsPerMinute: 400 } })
  while ((await requestsOf('large')) !== '400') await sleep(100)
  await send('large')
  t.equal(await requestsOf('small'), '500')
})
