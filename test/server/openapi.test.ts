import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import { testApp } from '../helpers/app.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'

const file = join(import.meta.dirname, '../../openapi.yaml')

interface Operation {
  operationId: string
  summary: string
  requestBody?: unknown
  responses: Record<string, unknown>
  parameters?: { name: string; required?: boolean; schema: { default?: unknown } }[]
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { examples?: unknown[] }> }
}

function documentOf(app: FastifyInstance) {
  const { paths, components }: Document = JSON.parse(JSON.stringify(app.swagger()))
  return { paths, schemas: components.schemas }
}

t.test('openapi.yaml is what the routes say; npm run openapi writes it', async t => {
  const { app } = await testApp(t)
  await app.ready()

  t.same(parse(await readFile(file, 'utf8')), app.swagger())
})

t.test('it is served as JSON and as YAML', async t => {
  const { app } = await testApp(t)

  const json = await app.inject('/openapi.json')
  const yaml = await app.inject('/openapi.yaml')

  t.match(json.json(), { openapi: '3.1.0', info: { title: 'mlflow-jobs' } })
  t.same(parse(yaml.body), json.json())
})

t.test('every operation has a name, a summary and its answers', async t => {
  const { app } = await testApp(t)
  await app.ready()
  const { paths } = documentOf(app)
  const operations = Object.values(paths).flatMap(path => Object.values(path))
  const names = operations.map(({ operationId }) => operationId)

  t.equal(new Set(names).size, operations.length, 'names are unique')
  for (const { operationId, summary, responses } of operations) {
    t.ok(operationId && summary, operationId)
    t.ok(
      Object.keys(responses).some(status => status.startsWith('2')),
      operationId
    )
  }
})

t.test('an operation says all that any request may be answered', async t => {
  const { app } = await testApp(t)
  await app.ready()
  const { paths } = documentOf(app)

  for (const operation of Object.values(paths).flatMap(path => Object.values(path)))
    for (const status of [400, 401, 403, 503])
      t.ok(operation.responses[status], `${operation.operationId} ${status}`)
  t.equal(paths['/projects/{digest}']?.head?.operationId, 'hasProject')
})

t.test('every operation shows by examples what is sent and what is answered', async t => {
  const { app } = await testApp(t)
  await app.ready()
  const { paths, schemas } = documentOf(app)
  const hasExample = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null) return false
    if ('examples' in part || 'example' in part) return true
    const name = '$ref' in part && String(part.$ref).split('/').at(-1)
    return Object.values(name ? [schemas[name]] : part).some(hasExample)
  }

  for (const { operationId, requestBody, responses } of Object.values(paths).flatMap(path =>
    Object.values(path)
  )) {
    if (requestBody) t.ok(hasExample(requestBody), `${operationId}: what is sent`)
    for (const [status, response] of Object.entries(responses))
      if (/^20\d/.test(status) && isReadable(response))
        t.ok(hasExample(response), `${operationId}: ${status}`)
  }
})

/** It has a body, and that is no file. */
const isReadable = (response: unknown) =>
  /"content":\{"(text|application\/json)/.test(JSON.stringify(response))

t.test('what has a default may be left out', async t => {
  const { app } = await testApp(t)
  await app.ready()
  const { paths } = documentOf(app)
  const parameters = Object.values(paths)
    .flatMap(path => Object.values(path))
    .flatMap(({ parameters = [] }) => parameters)

  const withDefault = parameters.filter(({ schema }) => schema.default !== undefined)

  t.ok(withDefault.length > 0)
  for (const { name, required = false } of withDefault) t.notOk(required, name)
})

t.test(
  'every set of words says that they are strings, as generators of clients need it',
  async t => {
    const { app } = await testApp(t)
    await app.ready()

    const untyped = [...JSON.stringify(app.swagger()).matchAll(/\{[^{}]*"enum":[^{}]*\}/g)].filter(
      ([schema]) => !schema.includes('"type":"string"')
    )

    t.same(untyped, [])
  }
)

t.test('the documentation is a page that needs nothing from elsewhere', async t => {
  const { app } = await testApp(t)

  const page = await app.inject('/docs/')

  t.equal(page.statusCode, 200)
  t.notMatch(page.body, /(src|href)="https?:/)
})

t.test('answers and examples keep to the schemas that they are documented with', async t => {
  const { app } = await testApp(t)
  const project = await pack(simpleProject)
  const submitted = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: form({ project, parameters: { alpha: 1 }, tags: { a: 'b' } })
  })
  await app.ready()
  const document = app.swagger()
  const id = submitted.json().id
  const answers = {
    Job: submitted.json(),
    JobList: (await app.inject('/jobs')).json(),
    Metrics: (await app.inject(`/jobs/${id}/metrics`)).json(),
    Problem: (await app.inject('/jobs/nope')).json(),
    Readiness: (await app.inject('/readyz')).json()
  }

  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const { default: formats } = await import('ajv-formats')
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  ajv.addSchema(document, 'document')
  for (const [name, answer] of Object.entries(answers)) {
    const valid = ajv.validate({ $ref: `document#/components/schemas/${name}` }, answer)
    t.ok(valid, `${name}: ${ajv.errorsText()}`)
  }
  const examples = Object.entries(documentOf(app).schemas).flatMap(([name, { examples = [] }]) =>
    examples.map(example => [name, example] as const)
  )
  t.ok(examples.length > 0)
  for (const [name, example] of examples) {
    const valid = ajv.validate({ $ref: `document#/components/schemas/${name}` }, example)
    t.ok(valid, `${name}, example: ${ajv.errorsText()}`)
  }
})
