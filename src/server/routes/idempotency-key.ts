/** The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a string in quotes, or without them. */
import { MalformedRequest } from '../errors.ts'

const form = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$|^([\x21\x23-\x7e]+)$/
const longest = 255

/** {} where there is none. Until callers have names, all keys are of one scope. */
export function readKey(header: string | string[] | undefined): {
  key?: { scope: string; key: string }
} {
  if (header === undefined) return {}
  const [, quoted, bare] = form.exec(String(header).trim()) ?? []
  const key = quoted?.replace(/\\(.)/g, '$1') ?? bare
  if (key === undefined || key.length > longest)
    throw new MalformedRequest(
      `The Idempotency-Key must have 1 to ${longest} characters of ASCII, such as "8e03978e-40d5-43e8-bc93-6894a57f9324".`
    )
  return { key: { scope: '', key } }
}
