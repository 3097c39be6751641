/** The requests that the document allows, with whatever things are called put where names go: a new route is among them. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import { form } from '../project.ts'
import type { Names } from './names.ts'

export interface Operation {
  /** "getJob" */
  id: string
  method: string
  path: string
  parameters: Parameter[]
  /** Type of the body -> its schema. */
  bodies: [type: string, schema: Schema][]
}

interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  schema: Schema
}

interface Schema {
  $ref?: string
  type?: string
  format?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  items?: Schema
  properties?: Record<string, Schema>
}

interface Document {
  paths: Record<string, Record<string, DocumentedOperation>>
  components: { schemas: Record<string, Schema> }
}

interface DocumentedOperation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

export function operationsOf(app: FastifyInstance): Operation[] {
  const { paths, components } = app.swagger() as unknown as Document
  const resolve = (schema: Schema): Schema =>
    schema.$ref ? (components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { operationId, parameters = [], requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      parameters: parameters.map(one => ({ ...one, schema: resolve(one.schema) })),
      bodies: Object.entries(requestBody?.content ?? {}).map(
        ([type, { schema }]): [string, Schema] => [type, resolve(schema)]
      )
    }))
  )
}

/** Whether it changes nothing, and has nothing in its path: what it tells it tells of all. */
export const isOverview = ({ method, path }: Operation): boolean =>
  method === 'GET' && !path.includes('{')

export interface Asked {
  what: string
  make(): Promise<InjectOptions>
}

/** Plainly, and once more with each of the parameters and bodies that it may have. Two lists for two names go side by side. */
export function requestsOf(operation: Operation, names: Names): Asked[] {
  const bodies = operation.bodies.length > 0 ? operation.bodies : [undefined]
  const optional = operation.parameters.filter(one => one.in !== 'path')
  return bodies.flatMap(body =>
    [undefined, ...optional].map(extra => ({
      what: [operation.method, operation.path, body?.[0], extra && `with ${extra.name}`]
        .filter(Boolean)
        .join(' '),
      async make() {
        const { payload, headers } = await bodyOf(body, names)
        const { path, query, header } = placesOf(operation, extra, names)
        return {
          method: operation.method as 'GET',
          url: `${path}${query}`,
          headers: { ...headers, ...header },
          ...(payload === undefined ? {} : { payload })
        }
      }
    }))
  )
}

function placesOf({ path, parameters }: Operation, extra: Parameter | undefined, names: Names) {
  const filled = parameters
    .filter(one => one.in === 'path')
    .reduce(
      (url, one) => url.replace(`{${one.name}}`, encodeURIComponent(textFor(one, names))),
      path
    )
  if (!extra) return { path: filled, query: '', header: {} }
  const value = textFor(extra, names)
  if (extra.in === 'header') return { path: filled, query: '', header: { [extra.name]: value } }
  return { path: filled, query: `?${new URLSearchParams({ [extra.name]: value })}`, header: {} }
}

/** Of a parameter that is not known here: an example, or else the job, for it may stand for one. */
function textFor({ name, schema }: Parameter, names: Names): string {
  const known: Record<string, string> = {
    id: names.id,
    digest: names.digest,
    project: names.digest,
    batch: names.batch,
    name: names.name,
    tag: names.tag,
    path: 'model/MLmodel',
    cursor: Buffer.from(names.id).toString('base64url'),
    createdAfter: '2026-01-01T00:00:00Z',
    createdBefore: '2099-01-01T00:00:00Z',
    'idempotency-key': names.key,
    'if-none-match': names.etag,
    'if-range': names.etag,
    range: 'bytes=0-1'
  }
  const { type, examples = [], enum: values = [], items } = schema
  const [example = items?.enum?.[0]] = [...examples, ...values].flat()
  if (known[name] !== undefined) return known[name]
  if (type === 'boolean') return 'true'
  return String(example ?? (type === 'integer' ? 1 : names.id))
}

async function bodyOf(body: [string, Schema] | undefined, names: Names) {
  if (!body) return {}
  const [type, { properties = {} }] = body
  const fields = {
    ...('jobs' in properties ? { jobs: [{}] } : {}),
    ...('parameters' in properties ? { parameters: { alpha: 1 } } : {})
  }
  if (type === 'application/json') {
    const project = 'project' in properties ? { project: names.digest } : {}
    return { payload: { ...project, ...fields }, headers: { 'content-type': type } }
  }
  const archive = names.trees.shift()
  if (!archive) throw new Error('There are more ways to send a project than archives for them.')
  if (type === 'multipart/form-data')
    return { payload: form({ project: await archive, ...fields }), headers: {} }
  return {
    payload: Buffer.from(await (await archive).arrayBuffer()),
    headers: { 'content-type': type }
  }
}
