import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { Validator } from 'typebox/schema'
import { projectKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

const archive = await pack(simpleProject)
const bytes = Buffer.from(await archive.arrayBuffer())

async function added(t: Test) {
  const parts = await testApp(t)
  const { app } = parts
  const response = await app.inject({
    method: 'POST',
    url: '/projects',
    payload: form({ project: archive })
  })
  return { ...parts, response, document: response.json() }
}

t.test('a project is kept without a job, and shown with what it takes', async t => {
  const { response, document, dataDir, folder, store } = await added(t)

  t.equal(response.statusCode, 201, response.body)
  t.equal(response.headers.location, `/projects/${document.digest}`)
  t.match(document, {
    digest: /^sha256:[0-9a-f]{64}$/,
    name: 'simple',
    path: '',
    fileCount: 2,
    files: ['MLproject', 'main.py'],
    entryPoints: {
      main: {
        command: 'python main.py {alpha} {steps} {label}',
        parameters: { type: 'object', required: ['alpha'] }
      },
      other: { parameters: { required: [] } }
    },
    environment: { kind: 'none', file: null, requirements: [] },
    warnings: []
  })
  t.ok(existsSync(join(dataDir, projectKey({ tenant: 'default', digest: document.digest }))))
  t.same(await readdir(folder), [])
  t.same(await store.list({ limit: 1 }), [])
})

t.test(
  'a project with folders is the same when it is read again, and runs by its digest',
  async t => {
    const { app } = await testApp(t)
    const project = await pack({ ...simpleProject, 'data/raw/wine.csv': 'a,b\n' })
    const sent = (
      await app.inject({ method: 'POST', url: '/projects', payload: form({ project }) })
    ).json()

    const read = (await app.inject(sent.links.self)).json()
    const submitted = await app.inject({
      method: 'POST',
      url: '/jobs',
      payload: form({ project: sent.digest, parameters: { alpha: 1 } })
    })
    const again = await app.inject({ method: 'POST', url: `${submitted.headers.location}/rerun` })

    t.strictSame(read, sent)
    t.equal(read.fileCount, 3)
    t.equal(read.unpackedBytes, Object.values(simpleProject).join('').length + 4)
    for (const response of [submitted, again]) {
      t.equal(response.statusCode, 202, response.body)
      t.equal(response.json().project.digest, sent.digest)
    }
  }
)

t.test('packed otherwise it is the same project, and was here already', async t => {
  const { app, document } = await added(t)
  const folder = join(t.testdirName, 'project')
  await execa('mkdir', ['-p', folder])
  for (const [name, text] of Object.entries(simpleProject))
    await writeFile(join(folder, name), text)
  await execa('zip', ['-qr', '../project.zip', '.'], { cwd: folder })
  const { stdout: zip } = await execa('cat', ['../project.zip'], {
    cwd: folder,
    encoding: 'buffer'
  })

  const response = await app.inject({
    method: 'POST',
    url: '/projects',
    headers: { 'content-type': 'application/zip' },
    payload: Buffer.from(zip)
  })

  t.equal(response.statusCode, 200, response.body)
  t.equal(response.json().digest, document.digest)
})

for (const type of ['application/gzip', 'application/x-gzip', 'application/octet-stream'])
  t.test(`an archive is taken as a body of ${type}`, async t => {
    const { app } = await testApp(t)
    const response = await app.inject({
      method: 'POST',
      url: '/projects',
      headers: { 'content-type': type },
      payload: bytes
    })
    t.equal(response.statusCode, 201, response.body)
  })

t.test('GET and HEAD find it by its digest, and a job is made of it', async t => {
  const { app, document } = await added(t)
  const url = document.links.self
  t.same((await app.inject(url)).json(), document)
  const head = await app.inject({ method: 'HEAD', url })
  t.equal(head.statusCode, 200)
  t.equal(head.body, '')
  const job = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: form({ project: document.digest, parameters: { alpha: 1 } })
  })
  t.equal(job.statusCode, 202, job.body)
  t.equal(job.json().links.project, url)
  t.equal((await app.inject(document.links.jobs)).json().items.length, 1)
})

for (const digest of [`sha256:${'0'.repeat(64)}`, 'nonsense', 'sha256:..%2f..%2fjobs.db'])
  t.test(`there is no project ${digest}`, async t => {
    const { app } = await testApp(t)
    const response = await app.inject(`/projects/${digest}`)
    t.equal(response.statusCode, 404)
    t.match(response.json(), { code: 'PROJECT_NOT_FOUND' })
    t.equal((await app.inject({ method: 'HEAD', url: `/projects/${digest}` })).statusCode, 404)
  })

t.test('the schema of an entry point takes what a submission takes', async t => {
  const { document } = await added(t)
  const { parameters: schema } = document.entryPoints.main
  const validator = new Validator({}, schema)
  t.ok(validator.Check({ alpha: 0.5 }))
  t.ok(validator.Check({ alpha: 1, steps: 4, label: 'x' }))
  t.notOk(validator.Check({}))
  t.notOk(validator.Check({ alpha: 'many' }))
  t.notOk(validator.Check({ alpha: 1, other: 1 }))
})

for (const [title, payload, headers, status] of [
  ['no archive', form({ path: 'x' }), {}, 422],
  ['fields of a job', form({ project: archive, parameters: {} }), {}, 422],
  ['a path that is not there', form({ project: archive, path: 'nowhere' }), {}, 422],
  ['an archive without a project', form({ project: await pack({ a: 'x' }) }), {}, 422],
  ['a body that is no archive', 'text', { 'content-type': 'application/gzip' }, 415],
  ['a type that is none of archives', 'text', { 'content-type': 'text/plain' }, 415],
  ['an empty body', '', { 'content-type': 'application/gzip' }, 415]
] as const)
  t.test(`${title} is refused with ${status}, and nothing is left`, async t => {
    const { app, folder, dataDir } = await testApp(t)
    const response = await app.inject({ method: 'POST', url: '/projects', payload, headers })
    t.equal(response.statusCode, status, response.body)
    t.same(await readdir(folder), [])
    t.notOk(existsSync(join(dataDir, 'projects')))
  })
