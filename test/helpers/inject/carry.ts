/** A real job that carries texts, and what came out of it. */
import type { Job } from '../../../src/server/routes/schemas.ts'
import type { InjectResult } from './index.ts'
import { look } from './look.ts'
import type { Fields, Place } from './places.ts'
import { names, slotNames, slots } from './project.ts'
import { emptyFields, post } from './submit.ts'

interface Load {
  folder: string
  /** Names of files, by slot. */
  files: string[]
  texts: { place: Place; text: string; slot: string }[]
}

/** What the n-th job carries: its share of the legal texts of each place. */
export function load(legal: Map<Place, string[]>, n: number, jobs: number, folder: string): Load {
  const texts = [...legal].flatMap(([place, all]) => {
    if (!place.read) return []
    const share = place.single ? all.slice(n, n + 1) : all.filter((_, at) => at % jobs === n)
    return share.slice(0, slots).map((text, at) => ({ place, text, slot: slotNames[at] ?? '' }))
  })
  return { folder, files: names('touch $CANARY'), texts }
}

export async function carry(
  url: string,
  project: string,
  { folder, files, texts }: Load,
  environment: Record<string, string>,
  result: InjectResult
): Promise<void> {
  const fields: Fields = {
    project,
    path: folder,
    ...emptyFields(),
    environment: { ...environment }
  }
  for (const { place, text, slot } of texts) place.put(fields, text, slot)
  // MLflow reads such a path as a part of a URI.
  const carried = files.filter(name => !/[%?#]/.test(name))
  carried.forEach((name, n) => {
    fields.parameters[`f${slotNames[n]}`] = `files/${name}`
  })
  const response = await post(`${url}/jobs`, fields)
  const body = await response.text()
  if (response.status !== 202) return void result.broken.push(`a job was refused: ${body}`)
  const { id } = JSON.parse(body) as Job
  await (await fetch(`${url}/jobs/${id}/logs?follow=true`)).text()
  const job = (await (await fetch(`${url}/jobs/${id}`)).json()) as Job
  if (job.status !== 'succeeded') {
    const log = await (await fetch(`${url}/jobs/${id}/logs`)).text()
    return void result.broken.push(
      `a job in ${folder} ${job.status}: ${job.failure?.message}: ${log.slice(-2000)}`
    )
  }
  const { seen, at } = await look(url, job)
  for (const { place, text, slot } of texts) {
    const arrived = place.read?.(seen, text, slot)
    if (arrived === text) result.carried++
    else
      result.changed.push(
        `changed: ${JSON.stringify(text.slice(0, 200))} as ${place.what}: ${JSON.stringify(arrived)}`
      )
  }
  carried.forEach((name, n) => {
    const word = seen.words[seen.words.indexOf(`--f${slotNames[n]}`) + 1]
    if (word?.endsWith(`/files/${name}`)) result.carried++
    else result.changed.push(`changed: the file ${name} in ${folder} is ${word}`)
  })
  if (at.endsWith(`/${folder}`)) result.carried++
  else result.changed.push(`changed: the folder ${folder} is ${at}`)
}
