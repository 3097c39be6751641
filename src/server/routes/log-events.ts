/** A log as server-sent events: `log` for what the job prints, `end` when it has ended. */
import type { JobRecord } from '../jobs/job.ts'
import type { Log } from '../jobs/read-log.ts'

/** Of the log in one event: many clients take lines of at most 64 KiB, and JSON may have six bytes for one. */
const eventBytes = 8 * 1024
/** After how long a client that was cut off comes again. */
const retryMilliseconds = 1000

export type Ended = Pick<JobRecord, 'status' | 'statusReason' | 'failure'>

/**
 * An event's id is the byte behind what it carries: a stream that begins there goes on exactly. `ended` is asked when
 * the log is at its end, and answers undefined where the stream is to close without the job having ended.
 */
export async function* logEvents(
  log: Pick<Log, 'offset' | 'chunks'>,
  ended: () => Promise<Ended | undefined>
): AsyncGenerator<string, void> {
  yield `retry: ${retryMilliseconds}\n\n`
  let { offset } = log
  let rest = Buffer.alloc(0)
  for await (const chunk of log.chunks) {
    if (chunk.length === 0) yield ': heartbeat\n\n'
    rest = Buffer.concat([rest, chunk])
    for (let length = wholeCharacters(rest); length > 0; length = wholeCharacters(rest)) {
      yield logEvent(offset, rest.subarray(0, length))
      offset += length
      rest = rest.subarray(length)
    }
  }
  const job = await ended()
  if (!job) return
  if (rest.length > 0) yield logEvent(offset, rest)
  const { status, statusReason, failure } = job
  yield event('end', { status, statusReason, failure })
}

const logEvent = (offset: number, bytes: Buffer) =>
  `id: ${offset + bytes.length}\n${event('log', { text: bytes.toString('utf8'), offset })}`

const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** The length of what fits into an event without a character at its end that is cut in two. */
function wholeCharacters(bytes: Buffer): number {
  const length = Math.min(bytes.length, eventBytes)
  for (let at = length - 1; at >= Math.max(0, length - 3); at--) {
    const byte = bytes.readUInt8(at)
    if (byte < 0x80) return length
    const characterBytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    if (byte >= 0xc0) return at + characterBytes > length ? at : length
  }
  return length
}
