/** Finds, in what a program printed, the Python exception that ended it. */
import { realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { parseTracebacks, type Traceback } from './parse-traceback.ts'

export interface FoundException {
  /** The class without its module. */
  type: string
  message: string
  /** Where it was raised: the innermost frame in the project's own code, else the innermost of all. */
  file: string | null
  line: number | null
  /** The end of the traceback. */
  traceback: string
}

interface Folders {
  /** The unpacked archive: code in it is the project's own. */
  codeFolder: string
  /** The MLproject file's folder: files are named relative to it. */
  projectFolder: string
}

const tracebackLimit = 8 * 1024

/** Exceptions that only say that another process failed; that one's traceback, printed before, is the cause. */
const messengers = new Set(['ExecutionException', 'CalledProcessError', 'ChildFailedError'])

/** Answers undefined where there is no traceback. */
export function readTraceback(printed: string, folders: Folders): FoundException | undefined {
  const output = stripVTControlCharacters(printed)
  const chains = parseTracebacks(output)
  const last = chains.at(-1)?.at(-1)
  const cause = chains.findLast(chain => !messengers.has(className(chain.at(-1)))) ?? chains.at(-1)
  const chain = last && messengers.has(className(last)) ? cause : chains.at(-1)
  const exception = chain?.at(-1)
  if (!chain || !exception) return undefined
  return {
    type: className(exception),
    message: exception.message,
    ...place(exception, folders),
    traceback: lastBytes(output.slice(chain[0]?.start, exception.end).trimEnd(), tracebackLimit)
  }
}

/** The last lines of a program that printed no traceback. */
export function lastLines(output: string): string {
  return output
    .split('\n')
    .map(line => line.trim())
    .filter(line => line && !isMlflowsFarewell(line))
    .slice(-3)
    .join('\n')
    .slice(-1000)
}

/** What MLflow prints when a run ends, often after the traceback. */
export const isMlflowsFarewell = (line: string) => /^(🏃|🧪) View (run|experiment)/u.test(line)

function className(traceback: Traceback | undefined): string {
  return traceback?.type.split('.').at(-1) ?? ''
}

function place({ frames }: Traceback, { codeFolder, projectFolder }: Folders) {
  const project = realPath(projectFolder)
  const code = realPath(codeFolder) + sep
  const located = frames
    .filter(({ file }) => !file.startsWith('<'))
    .map(({ file, line }) => ({ path: realPath(resolve(project, file)), line }))
  const own = located.findLast(({ path }) => path.startsWith(code))
  if (own) return { file: relative(project, own.path), line: own.line }
  const innermost = frames.at(-1)
  if (!innermost) return { file: null, line: null }
  return { file: withoutRoot(innermost.file), line: innermost.line }
}

/** A file outside the project, named from where its package lies. */
function withoutRoot(file: string): string {
  return isAbsolute(file) ? (file.split(/(?:site|dist)-packages\//).at(-1) ?? file) : file
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= limit) return text
  const end = bytes.subarray(-limit).toString()
  return end.slice(end.indexOf('\n') + 1)
}
