/** An S3 that has every key and keeps nothing, for tests that are about many jobs and not about what they leave. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { S3Server } from './s3-server.ts'

export async function startBottomlessS3(): Promise<S3Server> {
  const server = createServer(async (request, response) => {
    await request.resume().toArray()
    const { searchParams } = new URL(request.url ?? '', 'http://s3')
    response.setHeader('Content-Type', 'application/xml')
    if (searchParams.has('list-type')) response.end(listOf(searchParams.get('prefix') ?? ''))
    else response.setHeader('ETag', '"0"').end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    environment: { AWS_REGION: 'us-east-1' },
    makeBucket: async () => {},
    async stop() {
      server.closeAllConnections()
      server.close()
    }
  }
}

const listOf = (key: string) =>
  `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><Contents><Key>${key}</Key><Size>1</Size></Contents></ListBucketResult>`
