/** Why jobs cannot have a wall around them here; false where they can. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findSandbox } from '../../src/server/backends/local/sandbox.ts'

export const noSandbox: string | false = await findReason()

async function findReason(): Promise<string | false> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-sandbox-'))
  try {
    const { notice } = await findSandbox({
      mode: 'auto',
      folder,
      temporary: folder,
      readable: [],
      writable: [],
      environment: { PATH: process.env.PATH ?? '' }
    })
    return notice ?? false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
