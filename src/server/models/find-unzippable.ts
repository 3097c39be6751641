import type { ModelFile } from '../../contract/run-report.ts'

/** The first path that a zip cannot hold: it knows no backslash but as "/", and drive letters lead elsewhere. */
export const findUnzippable = (files: readonly ModelFile[]): string | undefined =>
  files.find(({ path }) => path.includes('\\') || /^[A-Za-z]:/.test(path))?.path
