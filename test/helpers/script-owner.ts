/** A script that makes what a test makes: what it has is ended and removed, the last first. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from './folder.ts'

export async function withOwner<Result>(act: (owner: Owner) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'mlflow-jobs-'))
  const ends: (() => unknown)[] = []
  try {
    return await act({ teardown: end => ends.push(end), testdir: () => folder })
  } finally {
    for (const end of ends.toReversed()) await end()
    await rm(folder, { recursive: true })
  }
}
