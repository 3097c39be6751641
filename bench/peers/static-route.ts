/** Fastify's own best: a route that answers an object that never changes, by its schema. Started as `static-route.ts PORT FILE`. */
import { readFile } from 'node:fs/promises'
import Fastify from 'fastify'
import { Job, sharedSchemas } from '../../src/server/routes/schemas.ts'

const [port, file = ''] = process.argv.slice(2)
const app = Fastify()
for (const schema of sharedSchemas) app.addSchema(schema)
const job: Job = JSON.parse(await readFile(file, 'utf8'))
app.get('/', { schema: { response: { 200: Job } } }, (_request, reply) => reply.send(job))
await app.listen({ port: Number(port) })
