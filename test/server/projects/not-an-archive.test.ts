import { gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { refuse } from '../../helpers/inspect.ts'

const bytes = (...values: number[]): Buffer => Buffer.from([...values, ...Buffer.alloc(100)])

const cases: [what: string, archive: Buffer][] = [
  ['an empty file', Buffer.alloc(0)],
  ['a 7z archive', bytes(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
  ['an xz file', bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['a zstd file', zstdCompressSync('a tar')],
  ['a bzip2 file', Buffer.from('BZh91AY&SY')],
  ['a rar archive', Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1')],
  ['a cpio archive', Buffer.from('070701')],
  ['a git bundle', Buffer.from('# v2 git bundle\n')],
  ['a part of a split zip', Buffer.from('PK\x07\x08PK\x03\x04')],
  ['a script', Buffer.from('#!/bin/sh\nPK\x03\x04')],
  ['a program', Buffer.from('\x7fELF')],
  ['an image', bytes(0x89, 0x50, 0x4e, 0x47)],
  ['a web page', Buffer.from('<!DOCTYPE html><title>404</title>')],
  ['a JSON text', Buffer.from('{"project": "sha256:0"}')],
  ['a single MLproject file', Buffer.from('name: demo\nentry_points:\n  main:\n')],
  ['a text', Buffer.from('hello')],
  ['a file of unknown kind', bytes(1, 2, 3)],
  ['a gzip that holds no tar but an empty file', gzipSync('')],
  ['a gzip that holds no tar but a text', gzipSync('a long text '.repeat(100))],
  ['a gzip that holds no tar but a gzip file', gzipSync(gzipSync('twice'))],
  ['a gzip that holds no tar but a zip', gzipSync('PK\x03\x04')],
  ['a gzip that holds no tar but a file of unknown kind', gzipSync(bytes(1, 2))]
]

for (const [what, archive] of cases) {
  t.test(`names ${what} as what it seems to be`, async t => {
    const refusal = await refuse(t, archive)
    t.equal(refusal.code, 'NOT_AN_ARCHIVE')
    t.equal(refusal.message, `The project seems to be ${what}; send a tar.gz, a tar or a zip.`)
  })
}
