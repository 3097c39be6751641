/** A folder of the test's own that is removed after its teardowns; without one before it, tap removes a testdir first. */
import type { Test } from 'tap'

export function testFolder(t: Test): string {
  t.teardown(() => {})
  return t.testdir()
}
