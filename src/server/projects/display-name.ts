/** How names out of an archive are shown in messages: they may hold anything. */

const maxCharacters = 200

/**
 * The name in quotes: control characters and bytes that are no UTF-8 as \xNN, invisible characters that turn or hide
 * text as \u{N}, cut at 200 characters.
 */
export function displayName(name: Buffer | string): string {
  const characters = [...(typeof name === 'string' ? name : decode(name))]
  const shown = characters.slice(0, maxCharacters).map(escapeCharacter).join('')
  return `'${shown}${characters.length > maxCharacters ? '…' : ''}'`
}

/** Where the bytes are no UTF-8, those above ASCII become characters that are escaped below. */
function decode(name: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch {
    return name
      .toString('latin1')
      .replace(/[\u00a0-\u00ff]/g, character => `\\x${hex(character, 2)}`)
  }
}

function escapeCharacter(character: string): string {
  if (/\p{Cc}/u.test(character)) {
    return `\\x${hex(character, 2)}`
  }
  return /[\p{Cf}\p{Zl}\p{Zp}]/u.test(character) ? `\\u{${hex(character, 4)}}` : character
}

const hex = (character: string, digits: number): string =>
  (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0')
