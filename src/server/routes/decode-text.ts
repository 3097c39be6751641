/** What callers send as text: bytes that are no UTF-8 would become other characters, and nobody would be told. */
import { MalformedRequest } from '../errors.ts'

/** A byte order mark, as some editors write it, is left out. Throws MALFORMED_REQUEST. */
export function decodeText(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new MalformedRequest(`${what} is not UTF-8.`, { cause })
  }
}
