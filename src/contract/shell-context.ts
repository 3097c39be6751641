/**
 * Where in a shell command a quoted word may stand. MLflow puts shlex.quote(value) in the place of a placeholder and gives
 * the whole to `bash -c`. That holds where the shell expects a word, and nowhere else: between quotes the value's own
 * quotes end them, and what it holds is run.
 */

export interface ShellReader {
  /** Reads on through the command's own text. */
  read(text: string): void
  /** Why a quoted word is not safe at this place; undefined where it is. */
  hazard(): string | undefined
  /** A quoted word stands here. */
  word(): void
  /** Words put behind the command would not become arguments of its last program: it ends with a line end, `;`, `&`, `|` or a comment. */
  endsOpen(): boolean
}

type Frame =
  | 'single quotes'
  | 'double quotes'
  | "$'...'"
  | 'backticks'
  | 'a parameter expansion'
  | '((...))'
  | '[[...]]'
  | 'a comment'
  | 'a here-document'
  | '$(...)'
  | '(...)'

/** Follows bash's quoting, linear in the text. What it does not know it takes for a hazard rather than for safe. */
export function createShellReader(): ShellReader {
  const frames: Frame[] = []
  let escaped = false
  let lost = false
  let before = ''
  let end = ''
  const top = () => frames.at(-1)
  const inWord = () => !quotings.has(top() ?? '$(...)')

  const push = (frame: Frame) => {
    if (frames.length < depthLimit) frames.push(frame)
    else lost = true
  }

  const step = (character: string) => {
    if (escaped) {
      escaped = false
      before = ''
      if (character !== '\n') end = 'x'
      return
    }
    if (before === '<<' && character !== '<') push('a here-document')
    if (top() === 'a here-document') return
    const two = before.slice(-1) + character
    if (character === '\\' && top() !== 'single quotes' && top() !== 'a comment') escaped = true
    else if (closes(top(), character, two)) frames.pop()
    else if (character === '`' && top() !== 'single quotes' && top() !== 'a comment') backtick()
    else open(character, two)
    before = character === '<' && /^<{1,2}$/.test(before) ? `${before}<` : character
    if (character !== ' ' && character !== '\t') end = character
  }

  const backtick = () => {
    const opening = frames.lastIndexOf('backticks')
    if (opening === -1) push('backticks')
    else frames.length = opening
  }

  const open = (character: string, two: string) => {
    const quoted = top() === 'double quotes'
    if (!quoted && !inWord()) return
    // Whether this is a quote depends on what the expansion stands in.
    if (top() === 'a parameter expansion' && character === "'") lost = true
    if (two === '$(') push('$(...)')
    else if (two === dollarBrace) push('a parameter expansion')
    else if (quoted) return
    else if (two === '((') frames[frames.length - 1] = '((...))'
    else if (character === '(') push('(...)')
    else if (two === '[[') push('[[...]]')
    else if (two === "$'") push("$'...'")
    else if (character === "'") push('single quotes')
    else if (character === '"') push('double quotes')
    else if (character === '#' && /^[\s;&|(]?$/.test(before)) push('a comment')
  }

  return {
    read(text) {
      for (const character of text) step(character)
    },
    hazard() {
      if (escaped || before === '$') return `right behind "${escaped ? '\\' : '$'}"`
      if (before === '<<') return 'in a here-document'
      if (lost) return 'where the quoting is too involved to be followed'
      for (const frame of frames) if (everywhere.has(frame)) return `in ${frame}`
      for (const frame of frames.toReversed()) {
        if (frame === '$(...)') return undefined
        if (frame !== '(...)') return `in ${frame}`
      }
      return undefined
    },
    word() {
      escaped = false
      before = 'x'
      end = 'x'
    },
    endsOpen() {
      return top() === 'a comment' || escaped || /^[\n;&|]$/.test(end)
    }
  }
}

const depthLimit = 100

const dollarBrace = '\u0024{'

// In these the shell looks for their own end alone.
const quotings: ReadonlySet<string> = new Set([
  'single quotes',
  "$'...'",
  'double quotes',
  'a comment'
])

// What is inside of these is read twice, or not as words, however deep.
const everywhere: ReadonlySet<Frame> = new Set<Frame>(['backticks', 'a here-document'])

function closes(frame: Frame | undefined, character: string, two: string): boolean {
  switch (frame) {
    case 'single quotes':
    case "$'...'":
      return character === "'"
    case 'double quotes':
      return character === '"'
    case 'a comment':
      return character === '\n'
    case 'a parameter expansion':
      return character === '}'
    case '$(...)':
    case '(...)':
      return character === ')'
    case '((...))':
      return two === '))'
    case '[[...]]':
      return two === ']]'
    default:
      return false
  }
}
