import { posix } from 'node:path'
import { type CodeHints, readCodeHints } from '../../contract/code-hints.ts'
import { isProjectFile } from './locate-project.ts'

const mebibyte = 2 ** 20

/** Larger files are no descriptions of a project but data. */
const maxTextBytes = mebibyte

/** Bytes kept of each kind together, each by itself: a folder of texts must not crowd out the MLproject file. */
const budgets = {
  project: 2 * mebibyte,
  yaml: 8 * mebibyte,
  text: 6 * mebibyte,
  code: 64 * mebibyte
}

export interface KeptTexts {
  /** Wraps the body of a file whose text matters, so that the text is kept as the bytes go by. */
  keep(path: string, sizeBytes: number, body: AsyncIterable<Buffer>): AsyncIterable<Buffer>
  /** The text of an MLproject, YAML or .txt file; undefined where it is not kept or not UTF-8. */
  read(path: string): string | undefined
  /** What the Python files in a folder do ('' for all files). */
  hints(folder: string): CodeHints
}

/** Texts of an archive that say what the project is and does: kept in memory, within bounds. */
export function createKeptTexts(): KeptTexts {
  const left = { ...budgets }
  const texts = new Map<string, string>()
  const hintsByFile = new Map<string, CodeHints>()

  function take(path: string, kind: keyof typeof budgets, bytes: Buffer): void {
    const text = decodeText(bytes)
    if (text === undefined) {
      return
    }
    if (kind === 'code') {
      hintsByFile.set(path, readCodeHints(text))
    } else {
      texts.set(path, text)
    }
  }

  return {
    keep(path, sizeBytes, body) {
      const kind = kindOf(path)
      if (kind === undefined || sizeBytes > maxTextBytes || sizeBytes > left[kind]) {
        return body
      }
      left[kind] -= sizeBytes
      return tee(body, bytes => take(path, kind, bytes))
    },
    read: path => texts.get(path),
    hints(folder) {
      const inside = [...hintsByFile].filter(
        ([path]) => folder === '' || path.startsWith(`${folder}/`)
      )
      return {
        experiments: [...new Set(inside.flatMap(([, hints]) => hints.experiments))],
        dynamicExperiment: inside.some(([, hints]) => hints.dynamicExperiment),
        setsTrackingUri: inside.some(([, hints]) => hints.setsTrackingUri)
      }
    }
  }
}

function kindOf(path: string): keyof typeof budgets | undefined {
  if (isProjectFile(path)) {
    return 'project'
  }
  const extension = posix.extname(path).toLowerCase()
  if (extension === '.yaml' || extension === '.yml') {
    return 'yaml'
  }
  if (extension === '.txt') {
    return 'text'
  }
  return extension === '.py' ? 'code' : undefined
}

/** A byte order mark at the beginning falls away. */
export function decodeText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Hands the bytes on, and all of them to `done` at the end. */
export async function* tee(
  body: AsyncIterable<Buffer>,
  done: (bytes: Buffer) => void
): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) {
    chunks.push(chunk)
    yield chunk
  }
  done(Buffer.concat(chunks))
}
