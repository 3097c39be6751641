/** A caller of the API who keeps every answer, with its headers. */
import type { Job } from '../../../src/server/routes/schemas.ts'

export interface Client {
  ask(path: string, init?: RequestInit): Promise<{ status: number; text: string; headers: Headers }>
  post(path: string, body: FormData | object, headers?: Record<string, string>): Promise<Posted>
  /** The job, when it has ended. */
  ended(id: string): Promise<Job>
  answers: { title: string; bytes: Buffer }[]
}

interface Posted {
  status: number
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: each caller knows what it has asked for
  json: any
}

export function createClient(url: string, key: string): Client {
  const answers: Client['answers'] = []

  async function ask(path: string, init: RequestInit = {}) {
    const headers = { authorization: `Bearer ${key}`, ...(init.headers as object) }
    const response = await fetch(url + path, { redirect: 'manual', ...init, headers })
    const body = Buffer.from(await response.arrayBuffer())
    const title = `the answer of ${init.method ?? 'GET'} ${path} (${response.status})`
    answers.push({ title, bytes: Buffer.from(JSON.stringify([...response.headers])) })
    answers.push({ title, bytes: body })
    return { status: response.status, text: body.toString(), headers: response.headers }
  }

  return {
    answers,
    ask,
    async post(path, body, headers = {}) {
      const isForm = body instanceof FormData
      const { status, text } = await ask(path, {
        method: 'POST',
        body: isForm ? body : JSON.stringify(body),
        headers: { ...(isForm ? {} : { 'content-type': 'application/json' }), ...headers }
      })
      return { status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
    },
    async ended(id) {
      for (;;) {
        const job = JSON.parse((await ask(`/jobs/${id}?wait=30`)).text) as Job
        if (job.terminal) return job
      }
    }
  }
}
