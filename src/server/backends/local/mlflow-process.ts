/**
 * The process of the managed tracking server: its own group, so that it outlives the service, recorded in the folder by
 * itself before it becomes `mlflow`, so that it is known whenever the service is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { sendSignal } from '../../../system/send-signal.ts'

export interface MlflowProcess {
  /** Also the id of its process group. */
  pid: number
  port: number
  /** The interpreter that runs it. */
  python: string
}

export interface LaunchOptions {
  /** DATA_DIR */
  folder: string
  python: string
  port: number
  environment: Record<string, string>
}

const pollMilliseconds = 100
const termMilliseconds = 10_000
const killMilliseconds = 5_000

const stateFile = (folder: string) => join(folder, 'mlflow-server.json')
const logFile = (folder: string) => join(folder, 'mlflow-server.log')

/** `$$` stays the process's id through `exec`; what it writes appears whole. */
const recordAndBecome = `printf '{"pid":%s,"port":%s,"python":%s}\\n' "$$" "$2" "$3" > "$1.part" &&
  mv "$1.part" "$1" && shift 3 && exec "$@"`

/** Resolves as soon as the process is there; it answers some ten seconds later. The log of the one before is kept. */
export async function launch(options: LaunchOptions): Promise<ChildProcess & { pid: number }> {
  const { folder, python, port, environment } = options
  await rename(logFile(folder), `${logFile(folder)}.1`).catch(() => {})
  const log = await open(logFile(folder), 'a', 0o600)
  try {
    const record = [stateFile(folder), String(port), JSON.stringify(python)]
    const child = spawn(
      '/bin/sh',
      ['-c', recordAndBecome, 'sh', ...record, python, ...serverArguments(port)],
      {
        cwd: folder,
        env: { ...environment, ...ownVariables },
        detached: true,
        stdio: ['ignore', log.fd, log.fd]
      }
    )
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return Object.assign(child, { pid: child.pid ?? 0 })
  } finally {
    await log.close()
  }
}

/** Relative to the data folder, which is its working folder: a path in a URI would have to be escaped. */
const serverArguments = (port: number) => [
  ...['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port)],
  ...['--backend-store-uri', 'sqlite:///mlflow.db', '--artifacts-destination', './artifacts'],
  ...['--workers', '1', '--uvicorn-opts', '--no-access-log --log-level warning']
]

/** Job execution is MLflow's own, for evaluations: seven more processes that nobody here uses. */
const ownVariables = {
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  GIT_PYTHON_REFRESH: 'quiet'
}

/** The process that was launched last over the folder, if it is still there. */
export async function findProcess(folder: string): Promise<MlflowProcess | undefined> {
  const recorded = await readRecord(folder)
  return recorded && (await isMlflow(recorded)) ? recorded : undefined
}

/** The record of the last launch, whatever became of it. */
export async function readRecord(folder: string): Promise<MlflowProcess | undefined> {
  try {
    return JSON.parse(await readFile(stateFile(folder), 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether any process of the group is there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

/** Ends the whole group and waits for it; forgets the record. */
export async function endProcess(folder: string, pid: number): Promise<void> {
  if (!(await signalGroup(pid, 'SIGTERM', termMilliseconds)))
    await signalGroup(pid, 'SIGKILL', killMilliseconds)
  await rm(stateFile(folder), { force: true })
}

export async function lastLines(folder: string): Promise<string> {
  const text = await readFile(logFile(folder), 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-5).join('\n')
}

/** A process id may have been given to another program since: the port in the arguments tells. */
async function isMlflow({ pid, port }: MlflowProcess): Promise<boolean> {
  if (!isAlive(pid)) return false
  const { stdout } = await execa('ps', ['-axwwo', 'pgid=,args='], { lines: true, reject: false })
  const mine = (stdout ?? []).filter(line => Number.parseInt(line, 10) === pid)
  return mine.some(line => line.includes('mlflow') && line.includes(`--port ${port} `))
}

/** Answers whether the group is gone in time. */
async function signalGroup(
  pid: number,
  signal: NodeJS.Signals,
  milliseconds: number
): Promise<boolean> {
  sendSignal(-pid, signal)
  for (const until = Date.now() + milliseconds; isAlive(pid); await sleep(pollMilliseconds))
    if (Date.now() > until) return false
  return true
}
