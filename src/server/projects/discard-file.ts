import { unlink } from 'node:fs/promises'

/**
 * Removes a temporary file that is needed no more, and never throws: what was asked for is done, or has failed for a
 * better reason, when the disk does not let it go. The service removes what is left when it starts.
 */
export async function discardFile(path: string): Promise<void> {
  await unlink(path).catch(() => {})
}
