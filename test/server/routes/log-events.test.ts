import fc from 'fast-check'
import t from 'tap'
import { type Ended, logEvents } from '../../../src/server/routes/log-events.ts'
import { parseEvents, textOf } from '../../helpers/events.ts'

const ended = async (): Promise<Ended | undefined> => ({
  status: 'succeeded',
  statusReason: null,
  failure: null
})

/** The stream of a log that comes in these chunks. */
async function stream(chunks: Buffer[], offset = 0, end = ended) {
  const log = {
    offset,
    chunks: (async function* () {
      yield* chunks
    })()
  }
  let text = ''
  for await (const part of logEvents(log, end)) text += part
  return parseEvents(text)
}

/** Cut where it happens to be cut. */
const cut = (bytes: Buffer, lengths: number[]) => {
  const ends = lengths.map((_, n) => lengths.slice(0, n + 1).reduce((sum, length) => sum + length))
  return [0, ...ends].map((start, n) => bytes.subarray(start, ends[n]))
}

const lengths = fc.array(fc.nat({ max: 9 }), { maxLength: 20 })
const logs = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }).map(text => Buffer.from(text)),
      fc.uint8Array({ maxLength: 5 }).map(Buffer.from),
      fc.constantFrom('\r 10%', '\n', '\u001b[1m', '😀', 'é').map(text => Buffer.from(text))
    ),
    { maxLength: 20 }
  )
  .map(parts => Buffer.concat(parts))

t.test('however a log is cut, its events carry it whole, and resume exactly', async () => {
  await fc.assert(
    fc.asyncProperty(logs, lengths, fc.nat(), async (log, lengths, number) => {
      const events = await stream(cut(log, lengths))
      const last = events.slice(0, -1)[number % events.length]
      const offset = Number(last?.id ?? 0)
      const seen = last ? events.slice(0, events.indexOf(last) + 1) : []
      const resumed = await stream([log.subarray(offset)], offset)

      return (
        textOf(events) === log.toString() &&
        textOf([...seen, ...resumed]) === log.toString() &&
        events.at(-1)?.event === 'end'
      )
    })
  )
})

t.test('a character that is not whole yet waits for its rest', async t => {
  const chunks = cut(Buffer.from('a😀'), [3])

  const cutOff = await stream(chunks.slice(0, 1), 0, async () => undefined)
  const whole = await stream(chunks)

  t.strictSame(cutOff, [{ id: '1', event: 'log', data: '{"text":"a","offset":0}' }])
  t.match(whole, [{ id: '1' }, { id: '5', data: '{"text":"😀","offset":1}' }, { event: 'end' }])
})

for (const character of ['é', '\u0001', '"'])
  t.test(
    `an event carries no more than clients take in a line: ${JSON.stringify(character)}`,
    async t => {
      const log = Buffer.from(character.repeat(100_000))

      const events = await stream([log])

      t.ok(events.every(({ data }) => Buffer.byteLength(data) < 60_000))
      t.equal(textOf(events), log.toString())
    }
  )

t.test('the end says how the job ended', async t => {
  const events = await stream([], 7)
  t.strictSame(events, [
    { id: '', event: 'end', data: '{"status":"succeeded","statusReason":null,"failure":null}' }
  ])
})
