/** The storage as a bucket of S3, or of a store that speaks as S3 does. */
import type { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import pLimit from 'p-limit'
import { checkKey } from './check-key.ts'
import type { ListedObject, Storage } from './index.ts'
import { explainS3Error, statusOf } from './s3-errors.ts'
import { SilentStore, type UploadLimits, upload } from './s3-upload.ts'

export interface S3Options {
  bucket: string
  /** '' or folders that end in "/". */
  prefix: string
  /** Another store than Amazon's, which may know buckets by the path only. */
  customEndpoint: boolean
  /** In place of what the SDK finds in the environment. */
  client?: S3ClientConfig
  uploadLimits?: Partial<UploadLimits>
  /** Until a call that carries few bytes is answered; each of three attempts has as much. */
  answerMilliseconds?: number
}

export function createS3(options: S3Options): Storage {
  const { bucket, prefix } = options
  const client = createClient(options)
  const limits = { requestTimeout: options.answerMilliseconds ?? 10_000 }
  const inTurn = createTurns()

  const target = (key: string) => {
    checkKey(key)
    return { Bucket: bucket, Key: `${prefix}${key}` }
  }

  const explained = <Result>(what: string, answer: Promise<Result>): Promise<Result> =>
    answer.catch(error => {
      throw explainS3Error(error, bucket, what)
    })

  const removeBelow = async (folder: string) => {
    const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: folder }, limits)
    for await (const { Contents = [] } of pages) {
      if (Contents.length === 0) continue
      const Objects = Contents.map(({ Key }) => ({ Key }))
      const { Errors: [failed] = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        limits
      )
      if (failed) throw new Error(`${failed.Key} was not removed (${failed.Code}).`)
    }
  }

  async function* listBelow(folder: string): AsyncGenerator<ListedObject> {
    const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: folder }, limits)
    for await (const { Contents = [] } of pages)
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of Contents)
        yield { key: Key.slice(prefix.length), sizeBytes: Size, modifiedAt: LastModified }
  }

  return {
    name: 's3',

    async put(key, file, { ifAbsent = false } = {}) {
      const input = { ...target(key), ...(ifAbsent ? { IfNoneMatch: '*' } : {}) }
      await explained(
        `${JSON.stringify(key)} was not stored`,
        inTurn(() => upload(client, input, file, options.uploadLimits))
      )
    },

    async stat(key) {
      const head = client.send(new HeadObjectCommand(target(key)), limits)
      const found = await explained(
        `Nothing is known of ${JSON.stringify(key)}`,
        head.catch(undefinedIfMissing)
      )
      if (!found) return undefined
      const { ContentLength = 0, ETag = '', LastModified = new Date(0) } = found
      return {
        sizeBytes: ContentLength,
        etag: quoted(ETag),
        modifiedAt: LastModified
      }
    },

    /** One GetObject: all of its bytes are of one version of the object, whatever is put meanwhile. */
    async read(key, { start = 0, end } = {}) {
      const Range = start > 0 || end !== undefined ? `bytes=${start}-${end ?? ''}` : undefined
      const command = new GetObjectCommand({ ...target(key), ...(Range ? { Range } : {}) })
      const get = client.send(command, limits)
      const found = await explained(
        `${JSON.stringify(key)} cannot be read`,
        get.catch(undefinedIfMissing)
      )
      if (!found) throw new Error(`The storage has no object ${JSON.stringify(key)}.`)
      // In Node it is the HTTP response itself: destroying it closes the connection.
      return found.Body as Readable
    },

    async *list(folder) {
      const { Key } = target(folder.replace(/\/$/, ''))
      try {
        yield* listBelow(`${Key}/`)
      } catch (error) {
        throw explainS3Error(error as Error, bucket, `${JSON.stringify(folder)} was not listed`)
      }
    },

    async remove(key) {
      const what = `${JSON.stringify(key)} was not removed`
      if (!key.endsWith('/'))
        await explained(what, client.send(new DeleteObjectCommand(target(key)), limits))
      else await explained(what, removeBelow(`${target(key.slice(0, -1)).Key}/`))
    },

    uri: key => `s3://${bucket}/${target(key).Key}`,

    temporaryUrl: async (key, { seconds, fileName }) => {
      const ResponseContentDisposition = `attachment; filename="${fileName}"`
      const command = new GetObjectCommand({ ...target(key), ResponseContentDisposition })
      return explained('No URL was made', getSignedUrl(client, command, { expiresIn: seconds }))
    },

    /**
     * By listing, which `remove` needs to be allowed, too; its errors have a text, unlike those of HeadBucket. All attempts
     * together have the time of one: who asks wants to know at once.
     */
    async check() {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })
      await explained(
        'The storage cannot be used',
        client.send(command, { abortSignal: AbortSignal.timeout(limits.requestTimeout) })
      )
    }
  }
}

/** Four uploads at once: files wait on the disk, not in memory. Those that wait while the store falls silent wait no longer. */
function createTurns() {
  const limit = pLimit(4)
  let silence: { since: number; error: SilentStore } | undefined
  return (act: () => Promise<void>): Promise<void> => {
    const asked = Date.now()
    return limit(async () => {
      if (silence && silence.since >= asked) throw silence.error
      try {
        await act()
      } catch (error) {
        if (error instanceof SilentStore) silence = { since: Date.now(), error }
        throw error
      }
    })
  }
}

const createClient = ({ customEndpoint, client }: S3Options) =>
  new S3Client({
    forcePathStyle: customEndpoint,
    // The SDK's own way sends an upload in chunks with a CRC32 behind them, which some stores refuse, and which fails over
    // plain HTTP. `upload` sends the CRC32 as a header instead. For downloads it would put a stream between that does not
    // close the connection when it is destroyed; TLS and the length guard them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5_000,
      // Clients that take nothing of a download for so long are gone.
      socketTimeout: 300_000,
      throwOnRequestTimeout: true,
      // Slow downloads hold a connection each; of the usual 50, they would leave none for the rest. Each belongs to a
      // connection of a client, whose number is limited elsewhere.
      httpAgent: { maxSockets: Number.POSITIVE_INFINITY, keepAlive: true },
      httpsAgent: { maxSockets: Number.POSITIVE_INFINITY, keepAlive: true }
    },
    // Otherwise the SDK writes to the console that it does not try an upload again, which `upload` does.
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...client
  })

function undefinedIfMissing(error: Error): undefined {
  // A missing bucket is another matter; HeadObject cannot tell, for its answers have no body.
  if (statusOf(error) !== 404 || error.name === 'NoSuchBucket') throw error
  return undefined
}

/** Some stores leave out the quotes. */
const quoted = (etag: string) => (etag.startsWith('"') ? etag : `"${etag}"`)
