/** A folder of the test's own that is removed after its teardowns; without one before it, tap removes a testdir first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A test, or a script that makes what a test makes. */
export interface Owner {
  teardown(end: () => unknown): void
  testdir(): string
}

export function testFolder(owner: Owner): string {
  owner.teardown(() => {})
  return owner.testdir()
}

/** One that any user can come to: the tree may lie in a home that is its owner's alone. */
export async function reachableFolder(owner: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-test-'))
  owner.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
