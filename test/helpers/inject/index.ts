/** Texts that look like code, at every place of a submission, through a running service and the real mlflow: none may run, and each comes out as it was. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { injectionTexts } from '../../fixtures/injection-texts.ts'
import { carry, load } from './carry.ts'
import { type Place, places } from './places.ts'
import { addProject, isMisread, names } from './project.ts'
import { injectHeaders, injectUrls } from './requests.ts'
import { refuseFolders, sortOut } from './sort-out.ts'

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
