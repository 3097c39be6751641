/** Names that a JSON object has more than once: JSON.parse takes the last and says nothing. */
import { jsonParts } from './json-parts.ts'

/** `json` is well-formed. Only the outermost object is looked at. */
export function repeatedNames(json: string): string[] {
  if (!json.trimStart().startsWith('{')) return []
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name } of jsonParts(json)) {
    if (seen.has(name)) repeated.add(name)
    seen.add(name)
  }
  return [...repeated]
}
