/** A stored object over HTTP: ETag, If-None-Match, Range, If-Range (RFC 9110). */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RangeNotSatisfiable } from '../errors.ts'
import type { StoredObject } from '../storage/index.ts'

type Range = { start: number; end: number }

export async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  object: StoredObject,
  read: (range?: Range) => Promise<Readable>
): Promise<FastifyReply> {
  const { sizeBytes, etag, modifiedAt } = object
  reply
    .header('etag', etag)
    .header('last-modified', modifiedAt.toUTCString())
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, no-cache')
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
  const range = fresh ? readRange(request.headers.range, sizeBytes) : undefined
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${sizeBytes}`)
    throw new RangeNotSatisfiable(sizeBytes)
  }
  if (range) {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
    reply.header('content-length', range.end - range.start + 1)
  } else reply.header('content-length', sizeBytes)
  // Nothing is opened for HEAD; an empty stream keeps the length, which an empty answer would not.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  return reply.send(await read(range))
}

/** Whether If-None-Match names the tag. */
export const matches = (header: string | undefined, etag: string) =>
  header !== undefined &&
  (header === '*' || header.split(',').some(one => one.trim().replace(/^W\//, '') === etag))

/** One range of bytes; several, or what is no range of bytes, are answered whole, as RFC 9110 allows. */
function readRange(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}
