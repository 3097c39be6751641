/**
 * What builds a job's environment where the runtime may only read it: a process with a wall of its own, that may write
 * where environments are kept, and that is gone when the user's program starts.
 */
import type { ChildProcess } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { sendSignal } from '../../../system/send-signal.ts'
import type { JobFile, JobFolder } from './job-folder.ts'
import { launch, wallIsDown } from './launch.ts'

export interface Builder {
  pid(): number | undefined
  /** From now on nothing is built: who asks may be the user's program. */
  refuse(): void
  end(): Promise<void>
}

/** What the runtime and its builder say (runtime/ask-builder.ts). */
interface Message {
  build?: object
  buildTaken?: boolean
  ready?: boolean
}

export function createBuilder(
  job: JobFile,
  folder: JobFolder,
  log: FileHandle,
  runtime: ChildProcess
): Builder {
  let closed = !job.build
  let builder: ChildProcess | undefined

  function start(request: object): void {
    closed = true
    const started = launch({ ...job, ...job.build }, folder, log)
    builder = started
    const answer = (message: object) => runtime.connected && runtime.send(message, () => {})
    let answered = false
    started.on('message', ({ ready, ...said }: Message) => {
      if (ready) return void started.send(request, () => {})
      answered = true
      answer(said)
    })
    const fail = (why: string) => {
      if (answered) return
      answered = true
      answer({ failed: { kind: 'platform', message: `What builds the environment ${why}.` } })
    }
    started.once('error', error => fail(`could not be started: ${error.message}`))
    started.once('exit', (code, signal) => fail(`was ended (${signal ?? `exit code ${code}`})`))
  }

  async function end(): Promise<void> {
    closed = true
    const { pid } = builder ?? {}
    if (!builder || pid === undefined) return
    if (builder.exitCode === null && builder.signalCode === null) sendSignal(-pid, 'SIGKILL')
    await wallIsDown(builder)
  }

  runtime.on('message', ({ build, buildTaken }: Message) => {
    if (build && !closed) start(build)
    if (buildTaken) void end()
  })

  return {
    pid: () => builder?.pid,
    refuse() {
      closed = true
      void end()
    },
    end
  }
}
