/** Where jobs write what MLflow tracks, if no server stands in between. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of a `file:` URI; that of the file of a `sqlite:` one, for SQLite writes beside it. */
export function storePaths(trackingUri: string | undefined): string[] {
  const folder = folderOf(trackingUri ?? '')
  if (!folder) return []
  mkdirSync(folder, { recursive: true })
  return [folder]
}

function folderOf(uri: string): string | undefined {
  const database = /^sqlite:\/{3}(\/[^?]+)/.exec(uri)?.[1]
  if (database) return dirname(database)
  return /^file:\/{3}/.test(uri) ? fileURLToPath(uri) : undefined
}
