/** Leads from a page of a list to the next (RFC 8288). */
import type { FastifyReply, FastifyRequest } from 'fastify'

export const linkHeader = {
  Link: { type: 'string', description: 'The next page, rel="next"; absent on the last one.' }
}

/** Sets Link: the same address with the cursor of the next page; nothing on the last page. */
export function linkNext(
  { url }: FastifyRequest,
  reply: FastifyReply,
  nextCursor: string | null
): void {
  if (nextCursor === null) return
  // A query may have question marks of its own.
  const [path = '', ...query] = url.split('?')
  const next = new URLSearchParams(query.join('?'))
  next.set('cursor', nextCursor)
  reply.header('link', `<${path}?${next}>; rel="next"`)
}
