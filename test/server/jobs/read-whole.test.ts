import { Readable } from 'node:stream'
import t from 'tap'
import { readWhole } from '../../../src/server/jobs/read-whole.ts'
import type { Storage } from '../../../src/server/storage/index.ts'

/** A storage whose objects are these pieces. */
const holding = (pieces: () => Iterable<Buffer>) =>
  ({ read: async () => Readable.from(pieces()) }) as unknown as Storage

t.test('an object comes as a whole', async t => {
  const storage = holding(() => [Buffer.from('one, '), Buffer.from('two')])
  t.equal(String(await readWhole(storage, 'key', 'the log')), 'one, two')
})

t.test(
  'one whose bytes break off is a storage that is away, not a fault of the service',
  async t => {
    const storage = holding(function* () {
      yield Buffer.from('one, ')
      throw new Error('socket hang up')
    })
    await t.rejects(readWhole(storage, 'key', 'the run report'), {
      code: 'STORAGE_UNAVAILABLE',
      statusCode: 503,
      message: 'The storage broke off in the middle of the run report: socket hang up.'
    })
  }
)
