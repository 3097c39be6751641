/** The files of a model as its run report lists them. The user's program can write the report, too: its names are hostile. */
import type { ModelFile } from '../../contract/run-report.ts'

/**
 * Those whose path stays below the model's folder wherever it is unpacked, each once. Others are not shown, and cannot be
 * asked for: clients make URLs and files of these paths.
 */
export function listedFiles(files: readonly ModelFile[]): ModelFile[] {
  const byPath = new Map<string, ModelFile>()
  for (const file of files)
    if (isPlain(file.path) && !byPath.has(file.path)) byPath.set(file.path, file)
  return [...byPath.values()]
}

const isPlain = (path: string) =>
  path.isWellFormed() &&
  !path.includes('\0') &&
  path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
