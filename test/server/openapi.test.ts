import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { testApp } from '../helpers/app.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'

const file = join(import.meta.dirname, '../../openapi.yaml')

interface Operation {
  operationId: string
  summary: string
  responses: Record<string, unknown>
  parameters?: { name: string; required?: boolean; schema: { default?: unknown } }[]
}
type Paths = Record<string, Record<string, Operation>>

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
  const paths = app.swagger().paths as Paths
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

t.test('what has a default may be left out', async t => {
  const { app } = await testApp(t)
  await app.ready()
  const paths = app.swagger().paths as Paths
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

t.test('answers keep to the schemas that they are documented with', async t => {
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
})
