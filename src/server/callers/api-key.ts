/** The texts of API keys: mlj_ and 32 random bytes, with a checksum by which a typing error is told from an unknown key. */
import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const prefix = 'mlj_'

export function makeKey(): string {
  const random = randomBytes(32).toString('base64url')
  return `${prefix}${random}${checksum(random)}`
}

/** Whether makeKey may have made it. */
export function isKey(text: string): boolean {
  const match = /^mlj_([\w-]{43})([0-9a-f]{8})$/.exec(text)
  return match?.[1] !== undefined && checksum(match[1]) === match[2]
}

/**
 * What is kept of a key. A fast hash will do: nobody guesses 32 random bytes, so there is nothing to slow down
 * (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html is about texts that people choose).
 */
export const hashOf = (key: string): string => hash('sha256', key, 'hex')

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')
