/**
 * The 512-byte header of a tar entry: POSIX ustar, GNU and the old form before both
 * (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format";
 * https://www.gnu.org/software/tar/manual/html_node/Standard.html). Read strictly: what tools guess at is refused.
 */
import { UnreadableArchive } from './archive-entry.ts'

export const tarBlockBytes = 512

export interface TarHeader {
  name: Buffer
  linkName: Buffer
  /** The type flag, '0' for the old '\0'. */
  type: string
  /** A header from before POSIX, where a "/" at the end of the name is all that makes a folder. */
  old: boolean
  sizeBytes: number
  mode: number
  /** A prefix of the name that some tools honour and others do not. */
  strayPrefix: boolean
}

/** Whether a first block can be one of a tar: its checksum is right, or its magic is, or all is zero as in an empty tar. */
export const looksLikeTar = (block: Buffer): boolean =>
  block.length === tarBlockBytes &&
  (isZero(block) || checksumIsRight(block) || block.toString('latin1', 257, 262) === 'ustar')

/** Throws UnreadableArchive where the checksum is wrong or a number is none. */
export function readTarHeader(block: Buffer): TarHeader {
  if (!checksumIsRight(block)) {
    throw new UnreadableArchive('a header has a wrong checksum')
  }
  for (const [what, start, end] of numbersOfNoUse) {
    readDigits(block.subarray(start, end), what)
  }
  const flag = block.toString('latin1', 156, 157)
  const posix = block.toString('latin1', 257, 265) === 'ustar\x0000'
  const prefix = untilLastByte(block.subarray(345, hasTimes(block) ? 475 : 500))
  const name = untilLastByte(block.subarray(0, 100))
  return {
    name: posix && prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    linkName: untilLastByte(block.subarray(157, 257)),
    type: flag === '\0' ? '0' : flag,
    old: flag === '\0',
    sizeBytes: readNumber(block.subarray(124, 136), 'size'),
    mode: readNumber(block.subarray(100, 108), 'mode'),
    strayPrefix: !posix && prefix.length > 0
  }
}

/** Numbers that are not used here; but where they are none, some tools take the header for the end of the tar. */
const numbersOfNoUse: [what: string, start: number, end: number][] = [
  ['user', 108, 116],
  ['group', 116, 124],
  ['time', 136, 148],
  ['device', 329, 337],
  ['device', 337, 345]
]

/** star and node-tar end the prefix sooner, by a NUL, and keep the times of access and change behind it. */
const hasTimes = (block: Buffer): boolean =>
  block[475] === 0 && /^[0-7]{11}[ \0][0-7]{11}[ \0]$/.test(block.toString('latin1', 476, 500))

const zeros = Buffer.alloc(2 ** 20)

export function isZero(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i += zeros.length) {
    const part = bytes.subarray(i, i + zeros.length)
    if (!part.equals(zeros.subarray(0, part.length))) {
      return false
    }
  }
  return true
}

/** Cuts the NULs at the end; one inside stays and is refused with the other control characters. */
export function untilLastByte(field: Buffer): Buffer {
  let end = field.length
  while (end > 0 && field[end - 1] === 0) {
    end -= 1
  }
  return field.subarray(0, end)
}

/** The sum of all bytes with the checksum's own eight as spaces. */
function checksumIsRight(block: Buffer): boolean {
  let sum = 8 * 0x20
  for (let i = 0; i < tarBlockBytes; i += 1) {
    sum += i >= 148 && i < 156 ? 0 : (block[i] ?? 0)
  }
  const written = /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', 148, 156))?.[1]
  return written !== undefined && Number.parseInt(written, 8) === sum
}

/** Octal digits, or base 256 where the first bit is set. */
function readNumber(field: Buffer, what: string): number {
  if (isBase256(field)) {
    return readBase256(field, what)
  }
  const digits = readDigits(field, what)
  if (digits === '' && what === 'size') {
    throw new UnreadableArchive('a header has no size')
  }
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** '' where the field is empty, or a positive or negative number in base 256. */
function readDigits(field: Buffer, what: string): string {
  const digits =
    field[0] === 0x80 || field[0] === 0xff ? '' : octalField.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) {
    throw new UnreadableArchive(`a header has a ${what} that is no octal number`)
  }
  return digits
}

const octalField = /^ *([0-7]*)[ \0]*$/

const isBase256 = (field: Buffer): boolean => (field[0] ?? 0) >= 0x80

function readBase256(field: Buffer, what: string): number {
  const first = field[0] ?? 0
  if (first !== 0x80) {
    throw new UnreadableArchive(`a header has a ${first === 0xff ? 'negative' : 'huge'} ${what}`)
  }
  const value = BigInt(`0x${field.toString('hex', 1)}`)
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new UnreadableArchive(`a header has a huge ${what}`)
  }
  return Number(value)
}
