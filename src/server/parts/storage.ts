/** Where projects and models lie: in the data folder, or in a bucket. */
import type { Config } from '../config.ts'
import { createFilesystem } from '../storage/filesystem.ts'
import type { Storage } from '../storage/index.ts'

export async function createStorage({ s3, dataDir }: Config): Promise<Storage> {
  if (!s3) return createFilesystem(dataDir)
  // The SDK of AWS takes memory and time: it is loaded where it is used.
  const { createS3 } = await import('../storage/s3.ts')
  return createS3(s3)
}
