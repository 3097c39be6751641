/** Python source as words, strings and signs: enough to find calls, without comments getting in the way. */

export interface PythonToken {
  kind: 'name' | 'string' | 'sign'
  /** A string's content as written, between its quotes. */
  text: string
  /** A string's prefix in lower case, such as f or rb. */
  prefix: string
}

/** Linear in the text, whatever it holds. Whitespace, line ends and comments are left out. */
export function* pythonTokens(source: string): Generator<PythonToken> {
  let at = 0
  while (at < source.length) {
    const character = source[at] ?? ''
    if (character === '#') {
      at = endOfLine(source, at)
    } else if (isQuote(character)) {
      const { text, end } = readString(source, at)
      yield { kind: 'string', text, prefix: '' }
      at = end
    } else if (isWord(character)) {
      const end = endOfWord(source, at)
      const word = source.slice(at, end)
      if (isQuote(source[end] ?? '') && /^(?:[rbfut]|[rbft]{2})$/i.test(word)) {
        const string = readString(source, end)
        yield { kind: 'string', text: string.text, prefix: word.toLowerCase() }
        at = string.end
      } else {
        yield { kind: 'name', text: word, prefix: '' }
        at = end
      }
    } else {
      if (!/\s/.test(character)) yield { kind: 'sign', text: character, prefix: '' }
      at++
    }
  }
}

const isQuote = (character: string) => character === '"' || character === "'"

const isWord = (character: string) => /[\w\u0080-\uffff]/.test(character)

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from)
  return end === -1 ? source.length : end
}

function endOfWord(source: string, from: number): number {
  let end = from
  while (end < source.length && isWord(source[end] ?? '')) end++
  return end
}

// A string that is never closed ends with its line, a triple-quoted one with the file, as Python would read it.
function readString(source: string, from: number): { text: string; end: number } {
  const quote = source[from] ?? ''
  const close = source.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote
  const start = from + close.length
  for (let at = start; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source.startsWith(close, at))
      return { text: source.slice(start, at), end: at + close.length }
    else if (close.length === 1 && source[at] === '\n')
      return { text: source.slice(start, at), end: at }
  }
  return { text: source.slice(start), end: source.length }
}
