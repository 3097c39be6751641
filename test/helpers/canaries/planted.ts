/** Secrets that are planted, and the search for them. */
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'

export interface Canaries {
  /** A new one; `where` says where it goes. */
  plant(where: string): string
  /** The same with marks that JSON, URIs and Python's writing of both escape. */
  plantMarks(where: string): string
  /** One that was made elsewhere. */
  add(where: string, secret: string): void
  /** `except`: where those were planted that are there as documented. */
  search(place: string, bytes: Buffer | string, except?: RegExp): void
  count(): number
  /** How much was searched, and in how many places. */
  searched(): { bytes: number; places: number }
  /** Each a sentence. */
  found(): string[]
}

/** A piece of a secret is one, too: Node quotes ten characters of JSON that is wrong. Both ends are of no other text. */
const pieceLength = 8

export function createCanaries(): Canaries {
  const planted = new Map<string, string>()
  const found = new Set<string>()
  let bytes = 0
  let places = 0

  function plant(where: string, marks = ''): string {
    const [begin, end] = [0, 1].map(() => randomBytes(5).toString('hex'))
    const secret = `cnry${begin}${marks}${end}yrnc`
    planted.set(secret, where)
    return secret
  }

  return {
    plant: where => plant(where),
    plantMarks: where => plant(where, '/+"é (=)'),
    add: (where, secret) => void planted.set(secret, where),
    search(place, given, except) {
      const text = textOf(given)
      places++
      bytes += text.length
      for (const [secret, where] of planted)
        if (!except?.test(where) && piecesOf(secret).some(piece => text.includes(piece)))
          found.add(`${place} has the secret of: ${where}`)
    },
    count: () => planted.size,
    searched: () => ({ bytes, places }),
    found: () => [...found]
  }
}

/** What was made elsewhere may begin and end as other texts do. */
const piecesOf = (secret: string) => {
  const length = secret.startsWith('cnry') ? pieceLength : 2 * pieceLength
  return [secret.slice(0, length), secret.slice(-length)]
}

function textOf(given: Buffer | string): string {
  const bytes = Buffer.from(given)
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  return (isGzip ? gunzipSync(bytes) : bytes).toString('latin1')
}
