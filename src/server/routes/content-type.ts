import { basename, extname } from 'node:path/posix'
import { contentType } from 'mime-types'

const text = 'text/plain; charset=utf-8'

/** What people want to read in a browser, and what the registry of media types does not know. */
const named = new Map(
  Object.entries({
    MLmodel: 'text/yaml; charset=utf-8',
    '.cfg': text,
    '.jsonl': text,
    '.lock': text,
    '.py': text,
    '.sh': text,
    '.toml': text,
    '.ts': text
  })
)

/** By the name alone; application/octet-stream where that says nothing. */
export function contentTypeOf(path: string): string {
  const extension = extname(path).toLowerCase()
  const known = named.get(basename(path)) ?? named.get(extension)
  return known ?? (contentType(extension) || 'application/octet-stream')
}
