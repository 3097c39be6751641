/** The API's own description, and what its errors mean. */
import { createHash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { errorsPage } from '../errors-page.ts'
import { matches } from './send-object.ts'

const hidden = { config: { scope: null }, schema: { hide: true } }

export const documentRoutes: FastifyPluginAsync = async app => {
  // application/json, not OpenAPI's own type: browsers show it, and every generator reads it.
  app.get('/openapi.json', hidden, async (request, reply) =>
    sendDocument(request, reply, 'application/json', JSON.stringify(app.swagger()))
  )

  app.get('/openapi.yaml', hidden, async (request, reply) =>
    sendDocument(request, reply, 'application/yaml', app.swagger({ yaml: true }))
  )

  app.get('/docs/errors', hidden, async (request, reply) => {
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    return sendDocument(request, reply, 'text/html', errorsPage())
  })
}

/** It changes with the service's version alone: who has it asks, and is told so. */
function sendDocument(request: FastifyRequest, reply: FastifyReply, type: string, text: string) {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  reply.header('etag', etag).header('cache-control', 'no-cache')
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type(`${type}; charset=utf-8`).send(text)
}
