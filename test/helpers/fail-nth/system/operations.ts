/** What is asked of the service while a system call fails; a key makes each attempt its own. */
import { form, pack, simpleProject } from '../../project.ts'
import { type Answer, ask } from '../ask.ts'

export interface SystemOperation {
  name: string
  act(url: string, key: string): Promise<Answer>
  /** Statuses of the second attempt that are right. */
  again: number[]
  /** What is wrong when it was done, in sentences. */
  check(url: string, key: string): Promise<string[]>
}

/** Each with a project of its own: what is stored already is stored no more. */
const projectOf = (key: string) => pack({ ...simpleProject, 'key.txt': key })
const parameters = { alpha: 1 }

const post = (url: string, key: string, fields: object) =>
  ask(url, {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: form({ ...fields })
  })

interface Listed {
  items: { id: string; links: { self: string } }[]
}

/** So many jobs have the name, and each has its project. */
const jobsAre = (count: number) => async (url: string, key: string) => {
  const { body } = await ask(`${url}/jobs?name=${key}`)
  const { items } = body as Listed
  const faults =
    items.length === count ? [] : [`there are ${items.length} jobs instead of ${count}`]
  for (const { id, links } of items) {
    const { status } = await ask(`${url}${links.self}/provenance`)
    if (status !== 200) faults.push(`${id} has no project: ${status}`)
  }
  return faults
}

export const operations: SystemOperation[] = [
  {
    name: 'submit',
    act: async (url, key) =>
      post(`${url}/jobs`, key, { project: await projectOf(key), parameters, name: key }),
    again: [202],
    check: jobsAre(1)
  }
]
