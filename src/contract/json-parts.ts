/** JSON taken apart as text: what is inside keeps the way in which it was written, and names that are there twice are seen. */

export interface JsonPart {
  /** Of a member; '' of an array's element. */
  name: string
  /** The value as it was written, without the spaces around it. */
  text: string
}

/** The members of an object or the elements of an array; none of any other value. `json` is well-formed. */
export function jsonParts(json: string): JsonPart[] {
  const parts: JsonPart[] = []
  let depth = 0
  let name = ''
  let begin = 0
  function end(at: number): void {
    const text = json.slice(begin, at).trim()
    if (text !== '') parts.push({ name, text })
    name = ''
    begin = at + 1
  }
  for (let at = 0; at < json.length; at++) {
    const character = json[at] ?? ''
    if (character === '"') at = endOfString(json, at)
    else if ('{['.includes(character)) {
      if (depth++ === 0) begin = at + 1
    } else if ('}]'.includes(character)) {
      if (--depth === 0) end(at)
    } else if (depth === 1 && character === ',') end(at)
    else if (depth === 1 && character === ':') {
      name = JSON.parse(json.slice(begin, at))
      begin = at + 1
    }
  }
  return parts
}

function endOfString(json: string, begin: number): number {
  let at = begin + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
