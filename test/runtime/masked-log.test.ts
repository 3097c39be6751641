import { PassThrough } from 'node:stream'
import t from 'tap'
import { createMask } from '../../src/contract/mask.ts'
import { createMaskedLog } from '../../src/runtime/masked-log.ts'

/** What has come out after each of these writes, and at the end. */
async function logged(secrets: string[], writes: (string | Buffer)[]): Promise<string[]> {
  const out = new PassThrough()
  const { stream, flush } = createMaskedLog(out, createMask(secrets))
  const seen: string[] = []
  let all = ''
  out.on('data', chunk => {
    all += chunk
  })
  for (const piece of writes) {
    await new Promise(resolve => stream.write(piece, resolve))
    await new Promise(resolve => setImmediate(resolve))
    seen.push(all)
  }
  await flush()
  await new Promise(resolve => setImmediate(resolve))
  return [...seen, all]
}

const last = async (secrets: string[], writes: (string | Buffer)[]) =>
  (await logged(secrets, writes)).at(-1)

t.test('lines come at once', async t => {
  t.same(await logged(['hunter22'], ['one\n', 'the end']), [
    'one\n',
    'one\nthe end',
    'one\nthe end'
  ])
})

t.test('a secret is not there, whichever two or three pieces it comes in', async t => {
  const secret = 'hunter-hunted-22'
  const text = `a ${secret} b`
  for (let first = 0; first < text.length; first++)
    for (let second = first; second < text.length; second++) {
      const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)]
      if ((await last([secret], pieces)) !== 'a *** b') t.fail(JSON.stringify(pieces))
    }
  t.equal(await last([secret], [...text]), 'a *** b', 'byte by byte')
})

t.test('what only began as a secret comes when it goes on otherwise, or at the end', async t => {
  t.same(await logged(['hunter22'], ['a hunt', 'ed', ' hunter']), [
    'a ',
    'a hunted',
    'a hunted ',
    'a hunted hunter'
  ])
})

t.test('a secret that begins as another one ends is masked as a whole', async t => {
  t.equal(await last(['secret', 'secret-and-more'], ['a secret', '-and-', 'more']), 'a ***')
  t.equal(
    await last(['secret', 'secret-and-more'], ['a secret', '-and-', 'less']),
    'a ***-and-less'
  )
  t.equal(await last(['abcabcab'], ['abcabcab', 'cabc']), '***cabc')
})

t.test('bytes that are no text pass as they are, and characters may be cut', async t => {
  const secret = 'schlüssel-✓'
  const bytes = Buffer.from(`(${secret})`)
  t.equal(await last([secret], [bytes.subarray(0, 6), bytes.subarray(6)]), '(***)')
  const out = new PassThrough()
  const { stream, flush } = createMaskedLog(out, createMask([secret]))
  stream.write(Buffer.from([0xff, 0xfe, 0x00]))
  await flush()
  t.same(out.read(), Buffer.from([0xff, 0xfe, 0x00]))
})
