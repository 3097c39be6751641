/**
 * Python's tracebacks in the text that a program printed. They are for people, so their form has many shapes: prefixes
 * of loggers and launchers, chained exceptions, syntax errors, exception groups
 * (https://docs.python.org/3/library/traceback.html).
 */
export interface Traceback {
  /** As printed, with its module. */
  type: string
  /** May be several lines. */
  message: string
  /** Outermost first, as printed. */
  frames: { file: string; line: number }[]
  /** Where it begins and ends in the text. */
  start: number
  end: number
}

const header = /^(.*?)(Exception Group )?Traceback \(most recent call last\):\s*$/
const frame = /^\s+File "(.+)", line (\d+)(?:, in .+)?$/
const scriptFrame = /^ {2}File "(.+)", line (\d+)$/
const exception = /^([A-Za-z_][\w.<>]*)(?::(?: (.*))?)?$/
const syntaxError = /^(?:SyntaxError|IndentationError|TabError): /
const subException = /^ {4}\| ((?!Traceback )[A-Za-z_][\w.]*: .*)$/
const chained =
  /^(?:During handling of the above exception, another exception occurred:|The above exception was the direct cause of the following exception:)$/
/** What is printed after an exception and is not of its message: logs, MLflow's farewell, bash, other excepthooks. */
const afterwards =
  /^(?:\d{4}[-/]\d\d[-/]\d\d[ T]|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|🏃 View |🧪 View |wandb:|\S*bash: line |Exception ignored in|Error in sys\.excepthook|Original exception was)/u
const messageLineLimit = 40

/** All tracebacks, those of one chain of exceptions together, in the order of printing. */
export function parseTracebacks(text: string): Traceback[][] {
  const lines = splitLines(text)
  const chains: Traceback[][] = []
  let next = 0
  while (next < lines.length) {
    const parsed = parseOne(lines, next)
    if (!parsed) {
      next++
      continue
    }
    const chain = chains.at(-1)
    if (chain && followsChain(lines, next, chain)) chain.push(parsed.traceback)
    else chains.push([parsed.traceback])
    next = parsed.next
  }
  return chains
}

interface Line {
  text: string
  start: number
  end: number
}

function splitLines(text: string): Line[] {
  let start = 0
  return text.split('\n').map(part => {
    const line = { text: part.replace(/\r$/, ''), start, end: start + part.length }
    start = line.end + 1
    return line
  })
}

function parseOne(lines: Line[], at: number): { traceback: Traceback; next: number } | undefined {
  const first = lines[at]?.text ?? ''
  const headed = header.exec(first)
  if (!headed && !scriptFrame.test(first)) return undefined
  const strip = prefixStripper(headed?.[1] ?? '', lines[at + 1]?.text ?? '')
  const frames: Traceback['frames'] = []
  let next = headed ? at + 1 : at
  let text = strip(lines[next]?.text)
  while (text !== undefined && /^\s+\S/.test(text)) {
    const [, file, line] = frame.exec(text) ?? []
    if (file) frames.push({ file, line: Number(line) })
    text = strip(lines[++next]?.text)
  }
  const [whole, type, words = ''] = exception.exec(text ?? '') ?? []
  if (!type || (!headed && !syntaxError.test(whole ?? ''))) return undefined
  const isGroup = headed?.[2] !== undefined
  const message = [words, ...(isGroup ? groupLines : messageLines)(lines, next + 1, strip)]
  next += message.length
  if (isGroup) message.splice(1, message.length, ...subExceptions(message))
  return {
    traceback: {
      type,
      message: message.join('\n').trimEnd(),
      frames,
      start: lines[at]?.start ?? 0,
      end: lines[next - 1]?.end ?? 0
    },
    next
  }
}

/** What launchers and groups put before each line of a traceback; undefined for a line without it. */
function prefixStripper(before: string, second: string) {
  const prefix = before.replace('+', '|')
  if (!prefix || !second.startsWith(prefix)) return (text: string | undefined) => text
  return (text: string | undefined) =>
    text?.startsWith(prefix) ? text.slice(prefix.length) : undefined
}

type Strip = (text: string | undefined) => string | undefined

function messageLines(lines: Line[], from: number, strip: Strip): string[] {
  const message: string[] = []
  for (const line of lines.slice(from, from + messageLineLimit)) {
    const text = strip(line.text)
    if (text === undefined || header.test(text) || chained.test(text) || afterwards.test(text))
      break
    message.push(text)
  }
  while (message.at(-1)?.trim() === '') message.pop()
  return message
}

/** The rest of an exception group: its sub-exceptions, each with its own traceback, drawn as a tree. */
function groupLines(lines: Line[], from: number): string[] {
  const texts = lines.slice(from).map(line => line.text)
  const end = texts.findIndex(text => !/^\s+[|+]/.test(text))
  return end === -1 ? texts : texts.slice(0, end)
}

const subExceptions = (message: string[]) =>
  message.slice(1).flatMap(line => subException.exec(line)?.[1] ?? [])

function followsChain(lines: Line[], at: number, chain: Traceback[]): boolean {
  const end = chain.at(-1)?.end ?? 0
  const between = lines.slice(0, at).filter(line => line.start > end)
  const said = between.map(line => line.text.trim()).filter(Boolean)
  return said.length > 0 && said.every(text => chained.test(text.replace(/^\S+:\s+/, '')))
}
