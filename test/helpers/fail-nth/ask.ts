/** A request and what its answer is worth. */

export interface Answer {
  /** 0 where the connection broke before it. */
  status: number
  /** Of a problem; "no problem" where a refusal has no such body. */
  code?: string
  /** It began, and did not end; with a status of 0, it did not begin either. */
  cutOff?: boolean
  body?: unknown
}

/** Longer than anything that is waited for. */
const longestMilliseconds = 60_000

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  let status = 0
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(longestMilliseconds), ...init })
    status = response.status
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    const body = isJson ? JSON.parse(text) : text
    if (status < 400) return { status, body }
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
    return { status, body, code: isProblem ? body.code : 'no problem' }
  } catch {
    return { status, cutOff: true }
  }
}

/** What documents say may come: anything below 500, and 503 with a problem; or an answer that visibly broke off. */
export function isDocumented({ status, code, cutOff }: Answer): boolean {
  if (cutOff) return status !== 0
  return status < 400 || (code !== 'no problem' && (status < 500 || status === 503))
}

export const wordsOf = ({ status, code, cutOff }: Answer): string =>
  cutOff ? 'cut off' : [status, code].filter(Boolean).join(' ')
