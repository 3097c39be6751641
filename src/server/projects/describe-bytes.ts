/** What a file seems to be by its first bytes, in words for whoever sent it instead of an archive. */

/** Signature (at the beginning) -> name. Sources: the formats' own specifications. */
const signatures: [bytes: number[] | string, name: string][] = [
  [[0x1f, 0x8b], 'a gzip file'],
  ['PK\x03\x04', 'a zip'],
  ['PK\x05\x06', 'an empty zip'],
  ['PK\x07\x08', 'a part of a split zip'],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], 'a 7z archive'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'an xz file'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a zstd file'],
  [[0x04, 0x22, 0x4d, 0x18], 'an lz4 file'],
  ['BZh', 'a bzip2 file'],
  ['Rar!\x1a\x07', 'a rar archive'],
  ['LZIP', 'an lzip file'],
  [[0x1f, 0x9d], 'a file made by compress'],
  [[0x5d, 0x00, 0x00], 'an lzma file'],
  ['07070', 'a cpio archive'],
  ['!<arch>\n', 'an ar archive'],
  ['# v2 git bundle', 'a git bundle'],
  ['# v3 git bundle', 'a git bundle'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
  ['%PDF-', 'a PDF'],
  ['#!', 'a script'],
  [[0x89, 0x50, 0x4e, 0x47], 'an image'],
  ['SQLite format 3\0', 'an SQLite database']
]

export function describeBytes(bytes: Buffer): string {
  if (bytes.length === 0) {
    return 'an empty file'
  }
  const known = signatures.find(([signature]) =>
    bytes.subarray(0, signature.length).equals(Buffer.from(signature as string, 'latin1'))
  )
  return known?.[1] ?? describeText(bytes)
}

function describeText(bytes: Buffer): string {
  const text = bytes.toString('utf8').trimStart()
  if (/[^\P{Cc}\t\n\r]|\ufffd./su.test(text)) {
    return 'a file of unknown kind'
  }
  if (/^<(!doctype|html)/i.test(text)) {
    return 'a web page'
  }
  if (/^[[{]/.test(text)) {
    return 'a JSON text'
  }
  return /^(name|entry_points|python_env|conda_env)\s*:/m.test(text)
    ? 'a single MLproject file'
    : 'a text'
}
