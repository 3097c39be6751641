/** The folder that MLflow writes in where MLFLOW_TRACKING_URI is a file of this machine. */
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface TrackingFolder {
  path: string
  /** Of the file of a `sqlite:` URI: SQLite makes and removes files beside it. */
  ofDatabase: boolean
}

/** undefined where it is elsewhere, or none that can be told from the URI alone. */
export function trackingFolder(uri = ''): TrackingFolder | undefined {
  const database = /^sqlite:\/{3}(\/[^?]+)/.exec(uri)?.[1]
  if (database) return { path: dirname(resolve(database)), ofDatabase: true }
  return /^file:\/{3}/.test(uri)
    ? { path: resolve(fileURLToPath(uri)), ofDatabase: false }
    : undefined
}
