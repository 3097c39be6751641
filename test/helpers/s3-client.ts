/** Settings by which the SDK's client finds a test's server. */
import type { S3ClientConfig } from '@aws-sdk/client-s3'

export const s3ClientFor = (
  endpoint: string,
  { AWS_ACCESS_KEY_ID = 'test', AWS_SECRET_ACCESS_KEY = 'test' }: Record<string, string> = {}
): S3ClientConfig => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
})
