/** Uses openapi-fetch with the types that openapi-typescript generated, as they are: node use.ts URL ARCHIVE. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.d.ts'

const [baseUrl = '', archive = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl })

const submitted = await client.POST('/jobs', {
  body: {
    project: await openAsBlob(archive),
    parameters: { alpha: 0.5 },
    tags: { client: 'typescript' }
  },
  bodySerializer(body) {
    const form = new FormData()
    for (const [name, value] of Object.entries(body))
      form.append(name, value instanceof Blob ? value : JSON.stringify(value))
    return form
  }
})
if (submitted.error) throw new Error(submitted.error.detail)
// Without dryRun, the answer is a job.
assert('id' in submitted.data)
const params = { path: { id: submitted.data.id } }
let job: components['schemas']['Job'] = submitted.data
while (!job.terminal) {
  const { data, error } = await client.GET('/jobs/{id}', {
    params: { ...params, query: { wait: 20 } }
  })
  if (error) throw new Error(error.detail)
  job = data
}
assert.equal(job.status, 'succeeded', job.failure?.message)
assert.equal(job.metrics.alpha, 0.5)
assert.equal(job.metrics.lost, 'NaN')

const { data: log = '' } = await client.GET('/jobs/{id}/logs', { params, parseAs: 'text' })
assert.match(log, /trained with 0\.5/)

const { data: files } = await client.GET('/jobs/{id}/model/files', { params })
const listed = files?.items.find(({ path }) => path.endsWith('notes.txt'))
assert(listed)
const { data: notes = '' } = await client.GET('/jobs/{id}/model/files/{path}', {
  params: { path: { ...params.path, path: listed.path } },
  parseAs: 'text'
})
assert.equal(createHash('sha256').update(notes).digest('hex'), listed.sha256)
console.log(
  `${job.id} ${job.status}, ${log.length} characters of log, ${listed.path} is ${JSON.stringify(notes)}`
)
