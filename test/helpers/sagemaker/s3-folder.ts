/** Folders between S3 and this machine, as the platform moves them. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException
} from '@aws-sdk/client-s3'

export interface S3Folders {
  /** The keys that begin with the URI's; none where there is no such bucket. */
  list(uri: string): Promise<string[]>
  /** Brings what begins with the URI's key; of several hosts that share, each gets its part. */
  download(uri: string, folder: string, shard?: { index: number; count: number }): Promise<void>
  put(uri: string, body: Buffer): Promise<void>
  putFile(uri: string, file: string): Promise<void>
  /** Every file of the folder, below the URI, which ends in "/". */
  putFolder(folder: string, uri: string): Promise<void>
  close(): void
}

export function createS3Folders(endpoint: string, environment: Record<string, string>): S3Folders {
  const client = new S3Client({
    endpoint,
    region: environment.AWS_REGION ?? 'us-east-1',
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? 'test',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? 'test'
    },
    forcePathStyle: true
  })

  async function list(uri: string): Promise<string[]> {
    const { bucket, key } = parseUri(uri)
    const keys: string[] = []
    try {
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: key }))
        keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
    } catch (error) {
      if (!(error instanceof S3ServiceException && error.name === 'NoSuchBucket')) throw error
    }
    return keys.filter(each => !each.endsWith('/'))
  }

  async function putFile(uri: string, file: string): Promise<void> {
    const { bucket, key } = parseUri(uri)
    const { size } = await stat(file)
    const body = createReadStream(file)
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentLength: size })
    )
  }

  return {
    list,
    putFile,
    async download(uri, folder, shard = { index: 0, count: 1 }) {
      const { bucket, key: prefix } = parseUri(uri)
      await mkdir(folder, { recursive: true })
      const keys = await list(uri)
      for (const key of keys.filter((_, index) => index % shard.count === shard.index)) {
        const file = join(folder, pathBelow(prefix, key))
        await mkdir(dirname(file), { recursive: true })
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        await pipeline(Body as Readable, createWriteStream(file))
      }
    },
    async put(uri, body) {
      const { bucket, key } = parseUri(uri)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
    },
    async putFolder(folder, uri) {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      for (const entry of entries) {
        const file = join(entry.parentPath, entry.name)
        if (entry.isFile()) await putFile(`${uri}${file.slice(folder.length + 1)}`, file)
      }
    },
    close: () => client.destroy()
  }
}

/** An object that the URI names whole lies in the folder by its own name. */
function pathBelow(prefix: string, key: string): string {
  if (key === prefix) return basename(key)
  if (key.startsWith(prefix.replace(/\/*$/, '/')))
    return key.slice(prefix.length).replace(/^\//, '')
  return key.slice(prefix.lastIndexOf('/') + 1)
}

/** With https, the bucket is the host's first part, or the path's. */
const forms = [
  /^s3:\/\/(?<bucket>[^/]+)\/?(?<key>.*)$/,
  /^https:\/\/s3[.-][^/]+\/(?<bucket>[^/]+)\/?(?<key>.*)$/,
  /^https:\/\/(?<bucket>.+?)\.s3[.-][^/]+\/(?<key>.*)$/
]

function parseUri(uri: string): { bucket: string; key: string } {
  const { bucket = '', key = '' } = forms.map(form => form.exec(uri)?.groups).find(Boolean) ?? {}
  return { bucket, key }
}
