/** What a caller can know things by. Of what is not there, they are as long as those of what is. */
import { randomBytes } from 'node:crypto'
import { nextId } from '../../../src/server/jobs/next-id.ts'

export interface Names {
  id: string
  batch: string
  digest: string
  name: string
  tag: string
  /** An Idempotency-Key. */
  key: string
  etag: string
  /** Archives, each for one request. */
  trees: Promise<Blob>[]
}

export const namesOfNothing = (trees: Names['trees']): Names => ({
  id: nextId('job'),
  batch: nextId('batch'),
  digest: `sha256:${randomBytes(32).toString('hex')}`,
  name: 'quarter-9',
  tag: 'team:nobody-a',
  key: '"key-9999"',
  etag: `"${randomBytes(16).toString('base64url')}"`,
  trees
})

/** A text in which all that has to differ is the same. */
export function withoutNames(text: string, { id, batch, digest, name, tag, key }: Names): string {
  const cursor = Buffer.from(id).toString('base64url')
  const plainKey = key.replaceAll('"', '')
  const named = [id, batch, digest, digest.replace('sha256:', ''), name, tag, plainKey, cursor]
  return [...named, encodeURIComponent(digest), encodeURIComponent(tag)]
    .reduce((left, one) => left.replaceAll(one, '…'), text)
    .replace(made, '…')
    .replace(/"sizeBytes":\d+/, '"sizeBytes":…')
}

/** What the service makes anew for each: ids, digests, times, ETags. */
const made =
  /(job|batch)-[0-9a-z]{26}|[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|"[\w-]{22}"/g
