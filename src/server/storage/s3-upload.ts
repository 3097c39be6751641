/**
 * A file becomes an object: one PutObject that streams it, or parts where it is too large for that. A part waits in memory
 * to be sent; a stream does not, so that many uploads at once need little.
 */
import { createReadStream, type ReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { statusOf } from './s3-errors.ts'

export interface UploadLimits {
  /** What one PutObject takes at most. */
  singleBytes: number
  partBytes: number
  attempts: number
  /** Before the second attempt; doubled before each further one. */
  pauseMilliseconds: number
  /** How long a store may take no byte, and give no answer. */
  silentMilliseconds: number
}

/** It took nothing for too long: the next attempt would hardly find it better. */
export class SilentStore extends Error {
  override name = 'TimeoutError'
}

type Input = Omit<PutObjectCommandInput, 'Body'>
type SizedInput = Input & { ContentLength: number }

const gibibyte = 1024 ** 3
const mebibyte = 1024 ** 2
/** Many uploads at once hold several of them each. */
const readBytes = mebibyte / 4
/** S3's own limit. */
const maxParts = 10_000

const usual: UploadLimits = {
  singleBytes: 5 * gibibyte,
  partBytes: 16 * mebibyte,
  attempts: 5,
  pauseMilliseconds: 200,
  silentMilliseconds: 60_000
}
/** What is taken of a part is not seen before the whole of it is. */
const partSilence = 5

/** The file is removed when the store has it. With IfNoneMatch, an object that is there already counts as stored. */
export async function upload(
  client: S3Client,
  input: Input,
  file: string,
  limits: Partial<UploadLimits> = {}
): Promise<void> {
  const { singleBytes, partBytes, silentMilliseconds, ...retries } = { ...usual, ...limits }
  const { size } = await stat(file)
  const send =
    size > singleBytes
      ? () =>
          sendParts(client, { ...input, ContentLength: size }, file, partBytes, silentMilliseconds)
      : await singleSender(client, { ...input, ContentLength: size }, file, silentMilliseconds)
  await withRetries(send, retries).catch(error => {
    if (input.IfNoneMatch === undefined || statusOf(error) !== 412) throw error
  })
  await rm(file)
}

/**
 * The store compares what it got with the CRC32 of the file, which a header tells it beforehand: the file is read twice for
 * that, the first time mostly from the system's cache.
 */
async function singleSender(
  client: S3Client,
  input: SizedInput,
  file: string,
  silentMilliseconds: number
) {
  let sum = 0
  for await (const piece of streamOf(file)) sum = crc32(piece, sum)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(sum)
  return () =>
    whileReading(file, silentMilliseconds, (Body, abortSignal) =>
      client.send(
        new PutObjectCommand({
          ...input,
          Body,
          ChecksumCRC32: checksum.toString('base64')
        }),
        { abortSignal }
      )
    )
}

const sendParts = (
  client: S3Client,
  input: SizedInput,
  file: string,
  partBytes: number,
  silentMilliseconds: number
) =>
  whileReading(file, partSilence * silentMilliseconds, (Body, signal) => {
    const partSize = Math.max(partBytes, Math.ceil(input.ContentLength / maxParts))
    const params = { ...input, Body, ChecksumAlgorithm: 'CRC32' as const }
    const parts = new Upload({ client, params, partSize, queueSize: 2 })
    signal.addEventListener('abort', () => void parts.abort(), { once: true })
    return parts.done()
  })

/** A file that cannot be read ends the call, which would otherwise wait for the rest of the bytes; so does a silent store. */
async function whileReading(
  file: string,
  silentMilliseconds: number,
  send: (body: ReadStream, signal: AbortSignal) => Promise<unknown>
): Promise<void> {
  const body = streamOf(file)
  const failed = new AbortController()
  body.once('error', error => failed.abort(error))
  const watch = watchProgress(body, silentMilliseconds, error => failed.abort(error))
  try {
    await send(body, failed.signal)
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error
  } finally {
    clearInterval(watch)
    body.destroy()
  }
}

function watchProgress(body: ReadStream, milliseconds: number, silent: (error: Error) => void) {
  let seen = { bytes: 0, at: Date.now() }
  return setInterval(() => {
    if (body.bytesRead !== seen.bytes) seen = { bytes: body.bytesRead, at: Date.now() }
    else if (Date.now() - seen.at >= milliseconds)
      silent(new SilentStore(`nothing was taken for ${milliseconds / 1000} seconds`))
  }, milliseconds / 10)
}

const streamOf = (file: string) => createReadStream(file, { highWaterMark: readBytes })

/** The SDK does not try again where the body is a stream: that is used up. Here each attempt has its own. */
async function withRetries(
  send: () => Promise<void>,
  { attempts, pauseMilliseconds }: Pick<UploadLimits, 'attempts' | 'pauseMilliseconds'>
): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      return await send()
    } catch (error) {
      if (attempt === attempts || !isPassing(error as Error)) throw error
      await sleep(pauseMilliseconds * 2 ** (attempt - 1) * (0.5 + Math.random() / 2))
    }
}

/**
 * No answer, throttling, a fault of the store, or 409: another one with If-None-Match was under way, and may have failed.
 * BadDigest and IncompleteBody are 400, and a matter of the network.
 */
function isPassing(error: Error): boolean {
  if (error instanceof SilentStore) return false
  const status = statusOf(error)
  if (status === undefined) return isOfNetwork(error)
  return status >= 500 || [408, 409, 429].includes(status) || damagedOnTheWay.has(error.name)
}

const damagedOnTheWay = new Set(['BadDigest', 'IncompleteBody', 'RequestTimeout'])

const isOfNetwork = (error: NodeJS.ErrnoException) =>
  error.name === 'TimeoutError' ||
  /^E(CONN|PIPE|HOST|NET|AI_AGAIN|NOTFOUND|TIMEDOUT)/.test(error.code ?? '')
