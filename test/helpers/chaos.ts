/**
 * Kills the service (-9) at random moments while jobs are submitted and run, starts it again, and checks the history:
 * every job exists, its program ran exactly once, it is terminal, its log is whole, and nothing is left over.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { create } from 'tar'
import type { Job } from '../../src/server/routes/schemas.ts'
import { freePort } from './free-port.ts'

export interface ChaosOptions {
  kills: number
  /** Jobs to submit in all. */
  jobs: number
  seed: number
  python: string
  trackingUri: string
  onProgress(text: string): void
}

export interface ChaosResult {
  acknowledged: number
  /** Jobs that the service has: also those whose answer was cut off. */
  known: number
  /** Each a sentence; none is what is wanted. */
  lost: string[]
  doubled: string[]
  stuck: string[]
  broken: string[]
}

const lines = 200
const settleMilliseconds = 120_000
const serviceMain = join(import.meta.dirname, '../../src/server/main.ts')

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-chaos-'))
  const service = await createKillable({
    DATA_DIR: join(folder, 'data'),
    PYTHON: options.python,
    MLFLOW_TRACKING_URI: options.trackingUri,
    LOCAL_SLOTS: '2'
  })
  try {
    const marks = join(folder, 'marks')
    const archive = await makeProject(folder)
    const parameters = { marks }
    const acknowledged = new Set<string>()
    const submitting = submitAll(service, { archive, parameters, ...options }, acknowledged)
    await killAtRandom(service, options)
    await submitting
    options.onProgress(`${acknowledged.size} jobs are acknowledged; waiting for them to end`)
    const jobs = await settle(service, settleMilliseconds, options.onProgress)
    return await check(service, folder, marks, acknowledged, jobs)
  } finally {
    await service.end()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The program leaves a mark each time it runs, and a log whose every line is known. */
async function makeProject(folder: string): Promise<string> {
  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(
    join(project, 'MLproject'),
    'entry_points:\n  main:\n    parameters:\n      marks: string\n    command: python mark.py {marks}\n'
  )
  await writeFile(
    join(project, 'mark.py'),
    `import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(os.environ["TRAINING_JOB_NAME"] + "\\n")
for line in range(${lines}):
    print("line", line, flush=True)
    time.sleep(0.002)
`
  )
  const archive = join(folder, 'project.tar.gz')
  await create({ cwd: project, file: archive, gzip: true }, await readdir(project))
  return archive
}

export interface Killable {
  url: string
  /** Of its process; undefined while there is none. */
  pid(): number | undefined
  start(): Promise<void>
  /** SIGSTOP: it hangs until it goes on. */
  pause(): void
  /** SIGCONT */
  resume(): void
  kill(): Promise<void>
  end(): Promise<void>
}

/** The service as a process of its own. */
export async function createKillable(environment: Record<string, string>): Promise<Killable> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let process_: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ending = process_
    process_ = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    ending.kill(signal)
    await once(ending, 'exit')
  }
  const killable: Killable = {
    url,
    pid: () => process_?.pid,
    pause: () => void process_?.kill('SIGSTOP'),
    resume: () => void process_?.kill('SIGCONT'),
    async start() {
      process_ = spawn(process.execPath, [serviceMain], {
        env: {
          PATH: process.env.PATH,
          PORT: String(port),
          LOG_LEVEL: 'warn',
          ...environment
        },
        stdio: ['ignore', 'inherit', 'inherit']
      })
      while (!(await answers(url))) await sleep(50)
    },
    kill: () => end('SIGKILL'),
    end: () => end('SIGTERM')
  }
  await killable.start()
  return killable
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false
  )

export async function killAtRandom(
  service: Killable,
  { kills, seed, onProgress }: Pick<ChaosOptions, 'kills' | 'seed' | 'onProgress'>,
  longestMilliseconds = 3000
): Promise<void> {
  const random = generator(seed)
  for (let n = 1; n <= kills; n++) {
    const wait = Math.round(random() * longestMilliseconds)
    await sleep(wait)
    await service.kill()
    await service.start()
    onProgress(`kill ${n} of ${kills}, after ${wait} ms`)
  }
}

/** The same numbers for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Submissions {
  archive: string
  parameters: object
  jobs: number
  /** Of the n-th job. */
  inputsOf?: (n: number) => object
}

export async function submitAll(
  service: Pick<Killable, 'url'>,
  { archive, parameters, jobs, inputsOf }: Submissions,
  acknowledged: Set<string>
): Promise<void> {
  while (acknowledged.size < jobs) {
    const form = new FormData()
    form.append('project', await openAsBlob(archive), 'project.tar.gz')
    form.append('parameters', JSON.stringify(parameters))
    if (inputsOf) form.append('inputs', JSON.stringify(inputsOf(acknowledged.size)))
    try {
      const response = await fetch(`${service.url}/jobs`, { method: 'POST', body: form })
      if (response.status !== 202) throw new Error(await response.text())
      acknowledged.add(((await response.json()) as Job).id)
    } catch {
      // The service was killed before it answered: nothing was promised.
    }
    await sleep(150)
  }
}

export async function settle(
  service: Killable,
  milliseconds: number,
  onProgress: (text: string) => void
): Promise<Job[]> {
  const until = Date.now() + milliseconds
  for (;;) {
    const jobs = await listJobs(service)
    const open = jobs.filter(job => !job.terminal)
    if (open.length === 0 || Date.now() > until) return jobs
    onProgress(`${open.length} jobs have not ended`)
    await sleep(2000)
  }
}

async function listJobs({ url }: Killable): Promise<Job[]> {
  const jobs: Job[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: '100', ...(cursor ? { cursor } : {}) })
    const page = await (await fetch(`${url}/jobs?${query}`)).json()
    const { items, nextCursor } = page as { items: Job[]; nextCursor: string | null }
    jobs.push(...items)
    cursor = nextCursor
  }
  return jobs
}

async function check(
  service: Killable,
  folder: string,
  marks: string,
  acknowledged: Set<string>,
  jobs: Job[]
): Promise<ChaosResult> {
  const runs = Map.groupBy((await readFile(marks, 'utf8')).trim().split('\n'), id => id)
  const result: ChaosResult = {
    acknowledged: acknowledged.size,
    known: jobs.length,
    lost: [...acknowledged].filter(id => !jobs.some(job => job.id === id)),
    doubled: [],
    stuck: [],
    broken: []
  }
  for (const job of jobs) {
    const times = runs.get(job.id)?.length ?? 0
    if (!job.terminal) result.stuck.push(`${job.id} is ${job.status}: ${job.statusReason}`)
    else if (job.status !== 'succeeded')
      result.broken.push(`${job.id} is ${job.status}: ${job.failure?.message}`)
    if (times === 0 && job.terminal) result.lost.push(`${job.id} never ran`)
    if (times > 1) result.doubled.push(`${job.id} ran ${times} times`)
    result.broken.push(...backwards(job), ...(await brokenLog(service, job)))
  }
  result.broken.push(...(await leftOver(folder)))
  return result
}

const order = ['queued', 'starting', 'running', 'stopping', 'succeeded']

export function backwards({ id, transitions }: Job): string[] {
  const steps = transitions.map(({ status }) => order.indexOf(status))
  return steps.every((step, n) => n === 0 || step > (steps[n - 1] ?? -1))
    ? []
    : [`${id} went ${transitions.map(({ status }) => status).join(', ')}`]
}

async function brokenLog({ url }: Killable, { id }: Job): Promise<string[]> {
  const log = await (await fetch(`${url}/jobs/${id}/logs`)).text()
  const printed = log.split('\n').filter(line => /^line \d+$/.test(line))
  const whole = printed.length === lines && printed.every((line, n) => line === `line ${n}`)
  return whole ? [] : [`${id}: its log has ${printed.length} of ${lines} lines`]
}

/** Temporary files, folders of jobs that have ended, and processes. */
async function leftOver(folder: string): Promise<string[]> {
  const data = join(folder, 'data')
  const files = await readdir(join(data, 'tmp'))
  const working = await readdir(join(data, 'jobs'), { recursive: true })
  const { stdout } = await execa('ps', ['-axo', 'args'])
  return [
    ...files.map(file => `tmp/${file} is left over`),
    ...working.filter(path => path.endsWith('/local')).map(path => `jobs/${path} is left over`),
    ...stdout
      .split('\n')
      .filter(line => line.includes(`${data}/jobs`))
      .map(line => `a process is left over: ${line}`)
  ]
}
