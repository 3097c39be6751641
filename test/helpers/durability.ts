/**
 * What 202 promises, seen from the kernel: the service runs under strace while jobs are submitted, and of each job must be
 * on the disk, in this order and before its answer: the project's bytes, its name, the folders of that name, the job's row.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Job } from '../../src/server/routes/schemas.ts'
import { freePort } from './free-port.ts'
import { form, pack, simpleProject } from './project.ts'
import { serves, serviceMain } from './spawn-service.ts'

const trace = 'fdatasync,fsync,link,pwrite64,write,writev'
/** So much of what is written is shown: a page of SQLite's, and more than the head of an answer. */
const shownBytes = 8192

/** Answers a sentence for each job that was acknowledged too early. */
export async function durability(submissions: number): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-durability-'))
  try {
    const jobs = await submitTraced(folder, submissions)
    const calls = readTrace(await readFile(join(folder, 'trace'), 'utf8'))
    return jobs.flatMap(job => tooEarly(calls, job, join(folder, 'data')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function submitTraced(folder: string, submissions: number): Promise<Job[]> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const strace = ['-f', '-y', '-s', `${shownBytes}`, '-e', `trace=${trace}`, '-e', 'signal=none']
  const service = execa(
    'strace',
    [...strace, '-o', join(folder, 'trace'), process.execPath, serviceMain],
    {
      extendEnv: false,
      // One thread, so that calls come in their order. Nothing runs: jobs stay queued.
      env: {
        PATH: process.env.PATH,
        UV_THREADPOOL_SIZE: '1',
        DATA_DIR: join(folder, 'data'),
        LOCAL_STANDBY: '0',
        PORT: `${port}`,
        LOG_LEVEL: 'silent',
        PYTHON: '/bin/false',
        MLFLOW_TRACKING_URI: url
      },
      reject: false
    }
  )
  let ended: string | undefined
  void service.then(({ stderr }) => {
    ended = stderr
  })
  try {
    if (!(await serves(url, () => ended === undefined))) throw new Error(ended)
    const jobs: Job[] = []
    for (let n = 0; n < submissions; n++) {
      const body = form({
        project: await pack({ ...simpleProject, 'n.txt': `${n}` }),
        parameters: { alpha: n }
      })
      const response = await fetch(`${url}/jobs`, { method: 'POST', body })
      if (response.status !== 202) throw new Error(await response.text())
      jobs.push((await response.json()) as Job)
    }
    return jobs
  } finally {
    // strace itself takes no signals; the first line is of the process that it began with.
    const [pid] = (await readFile(join(folder, 'trace'), 'utf8').catch(() => '')).split(' ')
    if (ended === undefined && pid) process.kill(Number(pid), 'SIGTERM')
    await service
  }
}

interface Call {
  text: string
  /** The lines of the trace on which it began and ended. */
  from: number
  to: number
}

/** A call that others interrupt is two lines: "PID name(... <unfinished ...>" and "PID <... name resumed>...". */
function readTrace(text: string): Call[] {
  const calls: Call[] = []
  const open = new Map<string, Call>()
  for (const [at, line] of text.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = open.get(pid)
    if (rest.startsWith('<... ') && resumed) {
      resumed.to = at
      resumed.text += rest.slice(rest.indexOf('>') + 1)
      open.delete(pid)
      continue
    }
    const call = { text: rest, from: at, to: at }
    calls.push(call)
    if (!rest.endsWith('<unfinished ...>')) continue
    call.text = rest.slice(0, -'<unfinished ...>'.length)
    open.set(pid, call)
  }
  return calls.filter(({ text }) => !/ = -1 /.test(text))
}

/** Each step must begin when the one before it has ended. */
function tooEarly(calls: Call[], { id, project }: Job, data: string): string[] {
  const target = `${data}/projects/${project.digest.replace('sha256:', '')}.tar.gz`
  const named = calls.find(({ text }) => text.startsWith('link(') && text.includes(`"${target}"`))
  if (!named) return [`${id}: its project got no name`]
  const [, file = ''] = /^link\("([^"]+)"/.exec(named.text) ?? []
  const answer = calls.find(
    ({ text }) => /^writev?\(/.test(text) && text.includes('HTTP/1.1 202') && text.includes(id)
  )
  if (!answer) return [`${id}: its answer is not in the trace`]
  const names = namesOf(calls, file)
  const written = calls.findLast(
    ({ text }) => writes.test(text) && names.some(name => text.includes(`<${name}>`))
  )
  if (!written) return [`${id}: the writing of its project is not in the trace`]
  const isAfter = (call: Call) => call.to < named.from && call.from > written.to
  if (!calls.some(call => isAfter(call) && isSync(call, file)))
    return [`${id}: its project got a name before its bytes were on the disk`]
  const steps: [what: string, is: (call: Call) => boolean][] = [
    ['the folder of its project', call => isSync(call, `${data}/projects`)],
    ['the data folder', call => isSync(call, data)],
    ['its row', ({ text }) => /^pwrite64\(\d+<[^>]*-wal>/.test(text) && text.includes(id)],
    ['the log of the database', call => isSync(call, `${data}/jobs.db-wal`)]
  ]
  let last = named
  for (const [what, is] of steps) {
    const step = calls.find(call => call.from > last.to && is(call))
    if (!step || step.to >= answer.from)
      return [`${id}: it was acknowledged before ${what} was written`]
    last = step
  }
  return []
}

/** A file that got another name is known by the one that it was opened by. */
function namesOf(calls: Call[], file: string): string[] {
  const linked = calls.find(({ text }) => text.startsWith('link(') && text.includes(`, "${file}"`))
  const [, before] = /^link\("([^"]+)"/.exec(linked?.text ?? '') ?? []
  return before === undefined ? [file] : [file, ...namesOf(calls, before)]
}

const writes = /^(pwrite64|writev?)\(/

const isSync = ({ text }: Call, path: string) =>
  /^f(data)?sync\(/.test(text) && text.includes(`<${path}>`)
