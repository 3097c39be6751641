/** What the service takes at a place, and what it refuses, without running anything. */
import pLimit from 'p-limit'
import type { Fault } from '../../../src/contract/fault.ts'
import type { InjectResult } from './index.ts'
import type { Place } from './places.ts'
import { emptyFields, post } from './submit.ts'

interface Trial {
  url: string
  project: string
  place: Place
  texts: string[]
}

/** Which texts the service takes at a place: those must be the ones that are legal there. */
export async function sortOut(trial: Trial, result: InjectResult): Promise<string[]> {
  const { place, texts } = trial
  const faults = place.alone ? await askOneByOne(trial) : await askAtOnce(trial)
  return texts.filter((text, n) => {
    const fault = faults[n]
    const shown = `${JSON.stringify(text.slice(0, 100))} as ${place.what}`
    if (fault === undefined && !place.legal(text)) result.broken.push(`taken: ${shown}`)
    if (fault !== undefined && place.legal(text)) result.changed.push(`refused: ${shown}: ${fault}`)
    if (fault !== undefined) result.refused++
    return fault === undefined
  })
}

/** A fault for each text that is not taken. */
async function askAtOnce({ url, project, place, texts }: Trial): Promise<(string | undefined)[]> {
  const jobs = texts.map(text => {
    const fields = emptyFields()
    place.put(fields, text, '00')
    return fields
  })
  const response = await post(`${url}/jobs/batch?dryRun=true`, { project, path: 'plain', jobs })
  const answer = await response.text()
  if (response.ok) return texts.map(() => undefined)
  if (response.status !== 422) throw new Error(`${place.what}: ${response.status}: ${answer}`)
  const { errors } = JSON.parse(answer) as { errors: Fault[] }
  const said = new Map<number, string>()
  let common: string | undefined
  for (const { pointer, detail } of errors) {
    const [, job] = /^\/jobs\/(\d+)\//.exec(pointer) ?? []
    // What is wrong with all of them alike is said once.
    if (job === undefined) common = detail
    else said.set(Number(job), detail)
  }
  return texts.map((_, n) => said.get(n) ?? common)
}

async function askOneByOne({ url, project, place, texts }: Trial) {
  const limit = pLimit(8)
  const ask = async (text: string) => {
    const fields = { project, path: 'plain', ...emptyFields() }
    place.put(fields, text, '00')
    const response = await post(`${url}/jobs?dryRun=true`, fields)
    const answer = await response.text()
    if (response.status >= 500) throw new Error(`${place.what}: ${response.status}: ${answer}`)
    return response.ok ? undefined : answer
  }
  return Promise.all(texts.map(text => limit(() => ask(text))))
}

export async function refuseFolders(
  { url, project, folders }: { url: string; project: string; folders: string[] },
  result: InjectResult
): Promise<void> {
  for (const path of folders) {
    const { status } = await post(`${url}/jobs?dryRun=true`, { project, path })
    if (status === 422) result.refused++
    else result.broken.push(`${status}: the folder ${path}`)
  }
}
