/** The job's log without its secrets, whichever pieces a program writes them in. */
import { Writable } from 'node:stream'
import { hidden, type Mask } from '../contract/mask.ts'

export interface MaskedLog {
  stream: Writable
  /** Lets out what was held back, and waits until all of it is written. */
  flush(): Promise<void>
}

/**
 * What may be the beginning of a secret is held back until it is known whether the rest follows; all else goes on at once.
 * Bytes are compared, for a piece may end within a character.
 */
export function createMaskedLog(log: NodeJS.WritableStream, mask: Mask): MaskedLog {
  let held = ''

  function take(chunk: string): string {
    const { shown, rest } = split(held + chunk, bytesOf(mask.secrets()))
    held = rest
    return shown
  }

  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      pass(take(chunk.toString('latin1')), done)
    }
  })

  function pass(shown: string, done: () => void): void {
    if (shown === '' || log.write(Buffer.from(shown, 'latin1'))) done()
    else log.once('drain', done)
  }

  return {
    stream,
    async flush() {
      await new Promise<void>(resolve => stream.write('', () => resolve()))
      const last = held
      held = ''
      await new Promise<void>(resolve => log.write(Buffer.from(last, 'latin1'), () => resolve()))
    }
  }
}

const bytesOf = (secrets: readonly string[]) =>
  secrets.map(secret => Buffer.from(secret).toString('latin1'))

/** `secrets`: longest first. `rest` is what may become a secret, or a longer one. */
function split(text: string, secrets: string[]): { shown: string; rest: string } {
  if (secrets.length === 0) return { shown: text, rest: '' }
  const pattern = new RegExp(secrets.map(RegExp.escape).join('|'), 'g')
  let shown = ''
  let at = 0
  for (;;) {
    const begun = beginning(text, at, secrets)
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (!found || found.index >= begun)
      return { shown: shown + text.slice(at, begun), rest: text.slice(begun) }
    shown += text.slice(at, found.index) + hidden
    at = found.index + found[0].length
  }
}

/** Where a secret begins whose end is not there yet; the text's end where none does. */
function beginning(text: string, from: number, secrets: string[]): number {
  const longest = secrets[0]?.length ?? 0
  for (let at = Math.max(from, text.length - longest + 1); at < text.length; at++)
    if (
      secrets.some(secret => secret.length > text.length - at && secret.startsWith(text.slice(at)))
    )
      return at
  return text.length
}
