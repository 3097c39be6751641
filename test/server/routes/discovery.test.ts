import t from 'tap'
import { defaultLimits } from '../../../src/server/projects/project-limits.ts'
import { version } from '../../../src/server/version.ts'
import { testApp } from '../../helpers/app.ts'

t.test('the root says what the service is and how much it takes', async t => {
  const { app } = await testApp(t, { uploadBytes: 12_345 })

  const response = await app.inject('/')

  t.equal(response.statusCode, 200)
  t.match(response.json(), {
    name: 'mlflow-jobs',
    version,
    backend: 'local',
    isolation: 'none',
    storage: 'filesystem',
    limits: { uploadBytes: 12_345, projectFiles: defaultLimits.files, formParts: 100 }
  })
})

t.test('each of its links leads somewhere', async t => {
  const { app } = await testApp(t)
  const links: Record<string, string> = (await app.inject('/')).json().links

  for (const url of Object.values(links))
    t.equal((await app.inject({ method: 'OPTIONS', url })).statusCode, 204, url)
})

t.test('a limit that it tells is the limit', async t => {
  const { app } = await testApp(t)
  const { pageItems } = (await app.inject('/')).json().limits

  t.equal((await app.inject(`/jobs?limit=${pageItems}`)).statusCode, 200)
  t.equal((await app.inject(`/jobs?limit=${pageItems + 1}`)).statusCode, 400)
})

t.test('a browser is led to the documentation', async t => {
  const { app } = await testApp(t)
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

  const response = await app.inject({ url: '/', headers: { accept } })

  t.equal(response.statusCode, 302)
  t.equal(response.headers.location, '/docs/')
})

for (const accept of ['*/*', 'application/json', 'application/json, text/html'])
  t.test(`who accepts ${accept} gets JSON`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject({ url: '/', headers: { accept } })

    t.equal(response.statusCode, 200)
  })
