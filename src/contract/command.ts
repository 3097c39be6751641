/** The command of an entry point: a Python format string whose placeholders MLflow fills with shell-quoted values. */
import { createShellReader } from './shell-context.ts'

export interface Command {
  /** The declared parameters in it. */
  placeholders: Set<string>
  /** Those of them that stand where a quoted value does not hold -> where, such as `in double quotes`. */
  hazards: Map<string, string>
  /** Sentences: why MLflow cannot make a command line of it, whatever the parameters. */
  faults: string[]
  /** What is put behind the command does not reach its program. */
  endsOpen: boolean
}

/** Reads a command as Python's `str.format` does and follows the shell's quoting through it. */
export function readCommand(command: string, declared: ReadonlySet<string>): Command {
  const shell = createShellReader()
  const placeholders = new Set<string>()
  const hazards = new Map<string, string>()
  const faults = new Set<string>()
  // A bare ")" belongs to a pattern there, which only a whole parser of the shell would know.
  const hasCase = /(?:^|[\s;])esac(?:$|[\s;)])/.test(command)
  for (const { kind, text } of formatPieces(command)) {
    if (kind === 'text') shell.read(text)
    if (kind === 'broken') faults.add(text)
    if (kind !== 'field') continue
    const fault = fieldFault(text, declared)
    if (fault !== undefined) faults.add(fault)
    else placeholders.add(text)
    const hazard = hasCase ? 'in a command with "case"' : shell.hazard()
    if (hazard !== undefined) hazards.set(text, hazard)
    shell.word()
  }
  if (command.includes('\0')) faults.add('it holds a NUL character, which no shell takes')
  return { placeholders, hazards, faults: [...faults], endsOpen: shell.endsOpen() }
}

/** shlex.quote leaves such a value as it is: it is the same word wherever it stands. */
export const isPlainValue = (value: string) => /^[\w@%+=:,./-]+$/.test(value)

/** Scripts that the command gives to an interpreter, as written. */
export function namedScripts(command: string): string[] {
  // Behind a `cd`, paths mean something else.
  if (/(?:^|[\s;&|(])cd\s/.test(command)) return []
  const scripts = new Set<string>()
  let interpreter = false
  for (const word of command.split(/[\s;&|()]+/)) {
    if (interpreter && word.startsWith('-')) {
      // -c and -m take code and modules.
      interpreter = !/^-[A-Za-z]*[cm]$/.test(word)
      continue
    }
    if (interpreter && /^[\w./+@-]+\.(?:py|sh|R)$/.test(word)) scripts.add(word)
    interpreter = /^(?:[\w./-]*\/)?(?:python[\d.]*|bash|sh|Rscript)$/.test(word)
  }
  return [...scripts]
}

interface Piece {
  kind: 'text' | 'field' | 'broken'
  text: string
}

function* formatPieces(command: string): Generator<Piece> {
  let at = 0
  while (at < command.length) {
    const brace = nextBrace(command, at)
    if (brace > at) yield { kind: 'text', text: command.slice(at, brace) }
    if (brace === command.length) return
    const character = command.charAt(brace)
    if (command.charAt(brace + 1) === character) {
      yield { kind: 'text', text: character }
      at = brace + 2
      continue
    }
    const close = character === '}' ? -1 : command.indexOf('}', brace)
    if (close === -1) {
      const text = `it has a single "${character}"; a brace of the shell is written twice, as "${character}${character}"`
      return yield { kind: 'broken', text }
    }
    yield { kind: 'field', text: command.slice(brace + 1, close) }
    at = close + 1
  }
}

function nextBrace(command: string, from: number): number {
  for (let at = from; at < command.length; at++) {
    if (command[at] === '{' || command[at] === '}') return at
  }
  return command.length
}

function fieldFault(field: string, declared: ReadonlySet<string>): string | undefined {
  // Attributes, indexes, conversions and widths would be taken of the quoted text and could cut its quotes off.
  const name = /^[^.[!:]*/.exec(field)?.[0] ?? ''
  if (name !== field && declared.has(name)) {
    return `its placeholder {${shorten(field)}} is more than a name; write {${name}}`
  }
  if (declared.has(field)) return undefined
  const word = field.trim()
  const hint = declared.has(word)
    ? `; write {${word}}`
    : '; MLflow fills in declared parameters only, and a brace of the shell is written twice, as "{{"'
  return `its placeholder {${shorten(field)}} is no declared parameter${hint}`
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}...` : text)
