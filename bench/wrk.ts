/** Requests from many connections at once, by wrk: a client in C leaves the cores to what is measured. */
import { execa } from 'execa'

export interface Load {
  connections?: number
  seconds: number
  headers?: Record<string, string>
}

/** Answers per second. Throws where one is no success. */
export async function answersPerSecond(url: string, load: Load): Promise<number> {
  const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`
  ])
  const connections = load.connections ?? 50
  // An answer that comes late is one.
  const words = [
    '-t1',
    `-c${connections}`,
    `-d${load.seconds}s`,
    '--timeout',
    '30s',
    ...headers,
    url
  ]
  const { stdout } = await execa('wrk', words).catch(error => {
    throw error.code === 'ENOENT' ? new Error('Please install wrk.') : error
  })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`)
  return Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1])
}
