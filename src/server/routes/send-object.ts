/** Stored bytes over HTTP: ETag, If-None-Match, Range, If-Range, HEAD (RFC 9110). */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RangeNotSatisfiable } from '../errors.ts'
import type { ByteRange } from '../models/index.ts'
import type { StoredObject } from '../storage/index.ts'

export interface Content {
  object: StoredObject
  /** What says more of the bytes, such as their type: sent with them alone. */
  headers: Record<string, string>
  /** Opens the bytes, for GET alone; what it throws becomes a problem. */
  read(range?: ByteRange): Promise<Readable>
}

export async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  { object, headers, read }: Content
): Promise<FastifyReply> {
  const { sizeBytes, etag } = object
  if (isKnown(request, etag)) return reply.code(304).headers(validators(object)).send()
  const range = rangeOf(request, object)
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${sizeBytes}`)
    throw new RangeNotSatisfiable(sizeBytes)
  }
  const bytes = await open(request, () => read(range))
  if (range)
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  return reply
    .headers({ ...validators(object), ...headers })
    .header('accept-ranges', 'bytes')
    .header('content-length', range ? range.end - range.start + 1 : sizeBytes)
    .send(bytes)
}

/** Bytes that are made while they are sent: neither their length is known nor can a part of them be asked for. */
export async function sendMade(
  request: FastifyRequest,
  reply: FastifyReply,
  { object, headers, read }: Content
): Promise<FastifyReply> {
  if (isKnown(request, object.etag)) return reply.code(304).headers(validators(object)).send()
  const bytes = await open(request, read)
  return reply
    .headers({ ...validators(object), ...headers })
    .header('accept-ranges', 'none')
    .send(bytes)
}

const validators = ({ etag, modifiedAt }: StoredObject) => ({
  etag,
  'last-modified': modifiedAt.toUTCString(),
  'cache-control': 'private, no-cache'
})

/** Nothing is opened for HEAD; an empty stream keeps the length, which an empty answer would not. */
const open = async ({ method }: FastifyRequest, read: () => Promise<Readable>) =>
  method === 'HEAD' ? Readable.from([]) : read()

/** Whether the client has these bytes already. */
const isKnown = ({ headers }: FastifyRequest, etag: string) =>
  matches(headers['if-none-match'], etag)

/** Whether If-None-Match names the tag; tags are compared weakly. */
export const matches = (header: string | undefined, etag: string) =>
  header !== undefined &&
  (header === '*' || header.split(',').some(one => opaque(one) === opaque(etag)))

const opaque = (etag: string) => etag.trim().replace(/^W\//, '')

/** A range is a matter of GET, and of the version that If-Range names. */
function rangeOf({ method, headers }: FastifyRequest, { sizeBytes, etag }: StoredObject) {
  const condition = headers['if-range'] ?? etag
  return method === 'GET' && condition === etag ? readRange(headers.range, sizeBytes) : undefined
}

/** One range of bytes; several, or what is no range of bytes, are answered whole, as RFC 9110 allows. */
function readRange(
  header: string | undefined,
  size: number
): ByteRange | 'unsatisfiable' | undefined {
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
