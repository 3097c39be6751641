/**
 * Which server answers on a port: a file with a secret is laid among the artifacts, and the server is asked for it. Only
 * one that serves this very folder knows the answer; a foreign one, or that of a copy of the folder, does not.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const name = 'mlflow-jobs-proof'
const timeoutMilliseconds = 5000

export const uriOf = (port: number) => `http://127.0.0.1:${port}`

/** Lays the file; answers a function that asks the server of a port for it. */
export async function layProof(folder: string): Promise<(port: number) => Promise<boolean>> {
  const secret = randomUUID()
  await mkdir(join(folder, 'artifacts'), { recursive: true })
  await writeFile(join(folder, 'artifacts', name), secret)
  const path = `/api/2.0/mlflow-artifacts/artifacts/${name}`
  return async port => {
    const response = await get(port, path).catch(() => undefined)
    return response?.ok === true && response.text === secret
  }
}

/** How the server of the port is; `gone`: nothing listens there. */
export async function health(port: number): Promise<'well' | 'silent' | 'gone'> {
  try {
    const { ok } = await get(port, '/health')
    return ok ? 'well' : 'silent'
  } catch (error) {
    return refused(error) ? 'gone' : 'silent'
  }
}

async function get(port: number, path: string): Promise<{ ok: boolean; text: string }> {
  const signal = AbortSignal.timeout(timeoutMilliseconds)
  const response = await fetch(`${uriOf(port)}${path}`, { signal })
  return { ok: response.ok, text: await response.text() }
}

/** fetch wraps the system's error. */
const refused = (error: unknown) =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ECONNREFUSED'
