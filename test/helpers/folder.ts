/** A folder of the test's own that is removed after its teardowns; without one before it, tap removes a testdir first. */

/** A test, or a script that makes what a test makes. */
export interface Owner {
  teardown(end: () => unknown): void
  testdir(): string
}

export function testFolder(owner: Owner): string {
  owner.teardown(() => {})
  return owner.testdir()
}
