/** A folder of the test's own that is removed after its teardowns; without one before it, tap removes a testdir first. */
import { mkdtempSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A test, or a script that makes what a test makes. */
export interface Owner {
  teardown(end: () => unknown): void
  testdir(): string
}

const firstFolders = new WeakMap<Owner, string>()

/**
 * Each call's is another: tap's second testdir of a test empties the first, under a service that runs in it. So a test that
 * has one of these asks for no testdir of its own.
 */
export function testFolder(owner: Owner): string {
  const first = firstFolders.get(owner)
  if (!first) {
    owner.teardown(() => {})
    const folder = owner.testdir()
    firstFolders.set(owner, folder)
    return folder
  }
  const folder = mkdtempSync(`${first}-`)
  owner.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** One that any user can come to: the tree may lie in a home that is its owner's alone. */
export async function reachableFolder(owner: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-test-'))
  owner.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
