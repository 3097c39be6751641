/** Texts that look like code, at every place of a submission, through a running service and the real mlflow: none may run, and each comes out as it was. */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Fault } from '../../src/contract/fault.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import { injectionTexts } from '../fixtures/injection-texts.ts'
import { makeTar } from './archives.ts'
import { injectHeaders, injectUrls } from './inject-requests.ts'
import { type Fields, type Place, places, type Seen } from './injection-places.ts'

export interface InjectOptions {
  url: string
  /** Real jobs that carry what is legal. */
  jobs: number
  /** Texts without what stands around them. */
  short: boolean
  onProgress(text: string): void
}

export interface InjectResult {
  /** Texts at a place: refused, or carried to the program. */
  payloads: number
  refused: number
  carried: number
  /** Each a sentence; none is what is wanted. */
  executed: string[]
  changed: string[]
  broken: string[]
}

/** Of each kind of parameter in the project. */
const slots = 30
const slotNames = Array.from({ length: slots }, (_, n) => String(n).padStart(2, '0'))

/** Folders and files that a command line or MLflow could take for more than names. */
const names = (command: string) => [
  'plain',
  'a b',
  `$(${command})`,
  `\`${command}\``,
  `';${command};'`,
  `";${command};"`,
  `;${command};`,
  `{${command}}`,
  `&& ${command} #`,
  '-rf',
  '--help',
  '{p00}',
  '$HOME',
  '~',
  '*',
  'a#b',
  'a.zip'
]

/** MLflow would read another folder there. */
const isMisread = (folder: string) => /#|['"]$|\.zip$/.test(folder)

export async function inject(options: InjectOptions): Promise<InjectResult> {
  const { url, jobs, short, onProgress } = options
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-inject-'))
  const canaries = join(folder, 'canaries')
  await mkdir(canaries)
  const file = (n: number | string) => join(canaries, String(n))
  const texts = injectionTexts({ file, command: n => `touch ${file(n)}` }, short)
  const result: InjectResult = {
    payloads: 0,
    refused: 0,
    carried: 0,
    executed: [],
    changed: [],
    broken: []
  }
  try {
    // What a name cannot hold, such as "/", a variable does.
    const variable = 'CANARY'
    const folders = names(`touch $${variable}`)
    const project = await addProject(url, folders)
    const base = { [variable]: file('named') }
    onProgress(`${texts.length} texts at ${places.length} places of a submission`)
    const legal = new Map<Place, string[]>()
    for (const place of places)
      legal.set(place, await sortOut({ url, project, place, texts }, result))
    await refuseFolders({ url, project, folders: folders.filter(isMisread) }, result)
    onProgress(`${result.refused} are refused; ${jobs} jobs carry what is legal`)
    const taken = folders.filter(folder => !isMisread(folder))
    const loads = Array.from({ length: jobs }, (_, n) =>
      load(legal, n, jobs, taken[n % taken.length] ?? '')
    )
    // Few at once, so that each is seen as it ends.
    const limit = pLimit(4)
    await Promise.all(loads.map(it => limit(() => carry(url, project, it, base, result))))
    onProgress('headers and addresses')
    await injectHeaders(url, texts, result)
    await injectUrls(url, texts, result)
    result.payloads = result.refused + result.carried
    for (const name of await readdir(canaries)) result.executed.push(await explain(name, texts))
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const explain = async (name: string, texts: string[]) =>
  `executed: ${JSON.stringify(texts.find(text => new RegExp(`canaries/${name}(?!\\d)`).test(text)) ?? name)}`

/** The same project in each folder, with a file of each folder's name. */
async function addProject(url: string, folders: string[]): Promise<string> {
  const echo = await readFile(join(import.meta.dirname, '../fixtures/echo.py'))
  const parameters = slotNames.flatMap(slot => [
    `      p${slot}: {type: string, default: ""}`,
    `      w${slot}: {type: string, default: ""}`,
    `      u${slot}: {type: uri, default: "s3://bucket/none"}`,
    `      n${slot}: {type: float, default: "0"}`,
    `      q${slot}: {type: string, default: ""}`,
    `      f${slot}: {type: path, default: "MLproject"}`
  ])
  const words = slotNames.map(
    slot =>
      `--p${slot} {p${slot}} w${slot}={w${slot}} --u${slot} {u${slot}} --n${slot} {n${slot}} --q${slot} "{q${slot}}" --f${slot} {f${slot}}`
  )
  const text = `name: echo
entry_points:
  main:
    parameters:
${parameters.join('\n')}
    command: >-
      python echo.py ${words.join(' ')}
`
  const entries = folders.flatMap(folder => [
    { path: `${folder}/MLproject`, body: text },
    { path: `${folder}/echo.py`, body: echo },
    ...folders.map(name => ({ path: `${folder}/files/${name}`, body: 'x' }))
  ])
  const response = await fetch(`${url}/projects?path=plain`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-tar' },
    body: new Uint8Array(makeTar(entries, { format: 'gnu' }))
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(answer)
  return (JSON.parse(answer) as { digest: string }).digest
}

const emptyFields = (): Fields => ({
  parameters: {},
  environment: {},
  tags: {},
  run: { allowUndeclaredParameters: true },
  inputs: {},
  resources: {}
})

interface Trial {
  url: string
  project: string
  place: Place
  texts: string[]
}

/** Which texts the service takes at a place: those must be the ones that are legal there. */
async function sortOut(trial: Trial, result: InjectResult): Promise<string[]> {
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

async function refuseFolders(
  { url, project, folders }: { url: string; project: string; folders: string[] },
  result: InjectResult
): Promise<void> {
  for (const path of folders) {
    const { status } = await post(`${url}/jobs?dryRun=true`, { project, path })
    if (status === 422) result.refused++
    else result.broken.push(`${status}: the folder ${path}`)
  }
}

const post = (url: string, fields: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields)
  })

interface Load {
  folder: string
  /** Names of files, by slot. */
  files: string[]
  texts: { place: Place; text: string; slot: string }[]
}

/** What the n-th job carries: its share of the legal texts of each place. */
function load(legal: Map<Place, string[]>, n: number, jobs: number, folder: string): Load {
  const texts = [...legal].flatMap(([place, all]) => {
    if (!place.read) return []
    const share = place.single ? all.slice(n, n + 1) : all.filter((_, at) => at % jobs === n)
    return share.slice(0, slots).map((text, at) => ({ place, text, slot: slotNames[at] ?? '' }))
  })
  return { folder, files: names('touch $CANARY'), texts }
}

async function carry(
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

/** The program's own words, the job as it is answered, and its run as MLflow's server has it. */
async function look(url: string, job: Job): Promise<{ seen: Seen; at: string }> {
  const echoed = await fetch(`${url}/jobs/${job.id}/model/files/echo.json`)
  const echo = (await echoed.json()) as {
    words: string[]
    environment: Record<string, string>
    folder: string
  }
  const api = `${job.run?.trackingUri}/api/2.0/mlflow`
  const { run } = (await (await fetch(`${api}/runs/get?run_id=${job.run?.id}`)).json()) as {
    run: {
      info: { run_name: string; experiment_id: string }
      data: { tags: { key: string; value: string }[] }
    }
  }
  const { experiment } = (await (
    await fetch(`${api}/experiments/get?experiment_id=${run.info.experiment_id}`)
  ).json()) as { experiment: { name: string } }
  const seen = {
    words: echo.words.map(text),
    environment: Object.fromEntries(
      Object.entries(echo.environment).map(([name, value]) => [text(name), text(value)])
    ),
    job,
    run: {
      name: run.info.run_name,
      experiment: experiment.name,
      tags: Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))
    }
  }
  return { seen, at: text(echo.folder) }
}

/** Throws where the bytes are no UTF-8. */
const text = (hex: string) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(hex, 'hex'))
