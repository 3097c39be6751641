/** The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a string in quotes, or without them. */
import type { FastifyRequest } from 'fastify'
import { type Caller, everybody } from '../callers/index.ts'
import { MalformedRequest } from '../errors.ts'

const form = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$|^([\x21\x23-\x7e]+)$/
const longest = 255

/** {} where there is none. Keys are their caller's: the same text of another is another key. */
export function readKey({ headers, caller }: Pick<FastifyRequest, 'headers' | 'caller'>): {
  key?: { scope: string; key: string }
} {
  const header = headers['idempotency-key']
  if (header === undefined) return {}
  const [, quoted, bare] = form.exec(String(header).trim()) ?? []
  const key = quoted?.replace(/\\(.)/g, '$1') ?? bare
  if (key === undefined || key.length > longest)
    throw new MalformedRequest(
      `The Idempotency-Key must have 1 to ${longest} characters of ASCII, such as "8e03978e-40d5-43e8-bc93-6894a57f9324".`
    )
  return { key: { scope: scopeOf(caller), key } }
}

/** Keys that were used before callers were asked hold on for those who are not. */
const scopeOf = (caller: Caller) => (caller === everybody ? '' : `${caller.tenant}/${caller.name}`)
