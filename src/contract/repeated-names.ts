/** Names that a JSON object has more than once: JSON.parse takes the last and says nothing. */

/** `json` is well-formed. Only the outermost object is looked at. */
export function repeatedNames(json: string): string[] {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  let depth = 0
  let text = '""'
  for (let at = 0; at < json.length; at++) {
    const character = json[at] ?? ''
    if (character === '"') {
      const end = endOfString(json, at)
      text = json.slice(at, end + 1)
      at = end
    } else if ('{['.includes(character)) depth++
    else if ('}]'.includes(character)) depth--
    else if (character === ':' && depth === 1) {
      const name: string = JSON.parse(text)
      if (seen.has(name)) repeated.add(name)
      seen.add(name)
    }
  }
  return [...repeated]
}

function endOfString(json: string, begin: number): number {
  let at = begin + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
