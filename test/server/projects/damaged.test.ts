import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { makeRawZip, makeTar, makeZip } from '../../helpers/archives.ts'
import { attempt, refuse } from '../../helpers/inspect.ts'

const entries = [
  { path: 'MLproject', body: 'name: damaged\n' },
  { path: 'src/train.py', body: 'print(1)\n'.repeat(200), mode: 0o755 },
  { path: 'empty/', type: '5' },
  { path: `${'long/'.repeat(30)}file`, body: 'x' }
]
const files = entries.flatMap(({ path, body }) => (body === undefined ? [] : [{ path, body }]))

const archives: Record<string, Buffer> = {
  'a tar': makeTar(entries, { format: 'gnu' }),
  'a PAX tar': makeTar(entries, { format: 'pax' }),
  'a tar.gz': gzipSync(makeTar(entries)),
  'a zip': await makeZip(files),
  'a zip with data descriptors': await makeZip(files.map(file => ({ ...file, streamed: true }))),
  'a stored zip': makeRawZip(files.map(({ path, body }) => ({ name: path, body })))
}

/** The code of the refusal, or 'TAKEN'; throws where anything is left that should not be. */
async function outcome(t: Test, archive: Buffer): Promise<string> {
  const { project, error, asItCame, left } = await attempt(t, archive)
  if (asItCame.project?.digest !== project?.digest) {
    throw new Error(`as it came: ${asItCame.project?.digest ?? asItCame.error?.message}`)
  }
  if (left.length !== (project ? 2 : 1)) {
    throw new Error(`left behind: ${left}`)
  }
  return project ? 'TAKEN' : String(error?.code)
}

const refusals = ['SUBMISSION_INVALID', 'PROJECT_TOO_LARGE', 'NOT_AN_ARCHIVE']

for (const [what, archive] of Object.entries(archives)) {
  t.test(`${what} with any bytes changed is taken or refused, nothing else`, async t => {
    const change = fc.tuple(fc.nat(archive.length - 1), fc.nat(255))
    const changes = fc.array(change, { minLength: 1, maxLength: 4 })
    const isTakenOrRefused = fc.asyncProperty(changes, async changes => {
      const damaged = Buffer.from(archive)
      for (const [at, byte] of changes) {
        damaged[at] = byte
      }
      return [...refusals, 'TAKEN'].includes(await outcome(t, damaged))
    })
    await t.resolves(fc.assert(isTakenOrRefused, { numRuns: 60 }))
  })

  t.test(`${what} that is cut anywhere is refused`, async t => {
    // Of a tar's end mark half is enough.
    const shortest = what.endsWith('tar') ? archive.length - 512 : archive.length
    const isRefused = fc.asyncProperty(fc.nat(shortest - 1), async length =>
      refusals.includes(await outcome(t, archive.subarray(0, length)))
    )
    await t.resolves(fc.assert(isRefused, { numRuns: 30 }))
  })
}

t.test('leaves no file open when it refuses', async t => {
  // Larger than what is read ahead, so that there is something left to read when it is refused.
  const large = makeTar([{ path: 'large', size: 2 ** 32, body: randomBytes(8 * 2 ** 20) }])
  const bad = [large, gzipSync(large, { level: 0 }), makeRawZip([{ name: 'MLproject', crc: 1 }])]
  const limits = { unpackedBytes: 2 ** 31 }
  const openFiles = async () => (await readdir('/dev/fd')).length
  const before = await openFiles()
  for (let i = 0; i < 10; i += 1) {
    for (const archive of bad) {
      await refuse(t, archive, { limits })
    }
  }
  // Streams close their files a little later than they end.
  for (let i = 0; i < 100 && (await openFiles()) > before + 5; i += 1) {
    await setTimeout(20)
  }
  t.ok((await openFiles()) <= before + 5)
})
