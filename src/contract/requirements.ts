/** pip's requirement lines, with the files that they name by `-r` read in. */
import { folderOf, resolveInArchive } from './archive-path.ts'
import type { ProjectFiles } from './project.ts'

export interface Requirements {
  lines: string[]
  /** Sentences. */
  faults: string[]
}

/** Lines of all files together: real environments have some hundred. */
const lineLimit = 10_000

/**
 * Reads lines as pip does (comments, continued lines). A file is looked for in `folders`, in this order, and files named
 * in it beside it; one that names itself is read once. Other options and local paths stay as they are.
 */
export function expandRequirements(
  lines: Iterable<string>,
  folders: readonly string[],
  source: string,
  files: ProjectFiles
): Requirements {
  const requirements: Requirements = { lines: [], faults: [] }
  const seen = new Set<string>()
  // A stack instead of recursion: files may name each other in a long chain.
  const open = [{ source, folders, lines: logicalLines([...lines].join('\n')) }]
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const { value: line, done } = current.lines.next()
    if (done) {
      open.pop()
      continue
    }
    const name = includedFile(line)
    if (name === undefined) {
      requirements.lines.push(line)
      if (requirements.lines.length <= lineLimit) continue
      requirements.faults.push(`${source} comes to more than ${lineLimit} requirement lines.`)
      return requirements
    }
    const path = find(name, current.folders, files)
    const text = path === undefined ? undefined : files.read(path)
    if (path === undefined || text === undefined) {
      const reason = path === undefined ? 'is not in the project' : 'is no readable text'
      requirements.faults.push(
        `${current.source} names the requirements file ${name}, which ${reason}.`
      )
    } else if (!seen.has(path)) {
      seen.add(path)
      open.push({ source: path, folders: [folderOf(path)], lines: logicalLines(text) })
    }
  }
  return requirements
}

function* logicalLines(text: string): Generator<string, undefined> {
  let begun = ''
  for (const line of text.split(/\r\n|\r|\n/)) {
    // A comment is never continued.
    if (line.endsWith('\\') && !/^\s*#/.test(line)) {
      begun += line.slice(0, -1)
      continue
    }
    const whole = withoutComment(begun + line).trim()
    begun = ''
    if (whole !== '') yield whole
  }
  const rest = withoutComment(begun).trim()
  if (rest !== '') yield rest
}

function withoutComment(line: string): string {
  const start = /(?:^|\s)#/.exec(line)?.index
  return start === undefined ? line : line.slice(0, start)
}

// A file of another machine is pip's matter.
function includedFile(line: string): string | undefined {
  const name = /^(?:-r\s*|--requirement(?:\s+|=))(\S.*)$/.exec(line)?.[1]
  if (name === undefined || /^[a-z][a-z+]*:\/\//i.test(name)) return undefined
  return name.replace(/^(["'])(.*)\1$/, '$2')
}

function find(name: string, folders: readonly string[], files: ProjectFiles): string | undefined {
  for (const folder of folders) {
    const path = resolveInArchive(folder, name)
    if (path !== undefined && files.has(path)) return path
  }
  return undefined
}
