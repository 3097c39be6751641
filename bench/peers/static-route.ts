/** Fastify's own best: a route that answers an object that never changes, by its schema. Started as `static-route.ts PORT`. */
import Fastify from 'fastify'
import { presentJob } from '../../src/server/routes/present-job.ts'
import { Job, sharedSchemas } from '../../src/server/routes/schemas.ts'
import { aJob } from '../../test/helpers/job-record.ts'

const app = Fastify()
for (const schema of sharedSchemas) app.addSchema(schema)
const job = JSON.parse(JSON.stringify(presentJob(aJob({ status: 'running' }))))
app.get('/', { schema: { response: { 200: Job } } }, (_request, reply) => reply.send(job))
await app.listen({ port: Number(process.argv[2]) })
