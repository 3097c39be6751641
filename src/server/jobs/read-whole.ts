/** Small objects, or parts of objects, as a whole. */
import { StorageUnavailable } from '../errors.ts'
import type { Storage } from '../storage/index.ts'

/** `what` names it in the error: STORAGE_UNAVAILABLE where its bytes break off. */
export async function readWhole(
  storage: Storage,
  key: string,
  what: string,
  range?: Parameters<Storage['read']>[1]
): Promise<Buffer> {
  const body = await storage.read(key, range)
  const chunks: Buffer[] = await body.toArray().catch(error => {
    throw new StorageUnavailable(
      `The storage broke off in the middle of ${what}: ${error.message}.`,
      { cause: error }
    )
  })
  return Buffer.concat(chunks)
}
