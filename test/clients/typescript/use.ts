/** Uses openapi-fetch with the types that openapi-typescript generated, as they are: node use.ts URL ARCHIVE. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import createClient from 'openapi-fetch'
import { Parser } from 'tar'
import type { paths } from './schema.d.ts'

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
const params = { path: { id: submitted.data.id } }
let job = submitted.data
while (!job.terminal) {
  await new Promise(resolve => setTimeout(resolve, 200))
  const { data, error } = await client.GET('/jobs/{id}', { params })
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
const { data: model } = await client.GET('/jobs/{id}/model', { params, parseAs: 'blob' })
assert(model)
const found: Promise<string>[] = []
const parser = new Parser({ filter: path => path === `./${listed.path}` })
parser.on('entry', entry => found.push(text(entry)))
await pipeline(Readable.from(model.stream()), parser)
const notes = (await found[0]) ?? ''
assert.equal(createHash('sha256').update(notes).digest('hex'), listed.sha256)
console.log(
  `${job.id} ${job.status}, ${log.length} characters of log, ${listed.path} is ${JSON.stringify(notes)}`
)
