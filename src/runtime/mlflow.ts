/** MLflow as functions: calls into one Python process (mlflow_project.py) that imports it while other work is done. */
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { TrainingError } from './failure.ts'
import type {
  CreatedRun,
  CreateRun,
  DownloadObject,
  FinishedRun,
  FinishRun,
  StartProgram,
  WaitForProgram
} from './mlflow-calls.ts'
import { lastLines } from './read-traceback.ts'
import { type Python, type PythonOptions, startPython } from './start-python.ts'
import { createTail } from './tail.ts'
import type { TellMetrics } from './tell-metrics.ts'

export interface Mlflow {
  downloadObject(call: DownloadObject): Promise<void>
  createRun(call: CreateRun): Promise<CreatedRun>
  startProgram(call: StartProgram): Promise<void>
  /** Answers the program's exit code; 128 + n where signal n ended it. */
  waitForProgram(call: WaitForProgram): Promise<number>
  finishRun(call: FinishRun): Promise<FinishedRun>
  /** The process group that the program is started in. */
  readonly group: number
  /** Gives up starting the program. */
  interrupt(): void
  /** The end of what the program printed, all of it read. */
  output(): Promise<string>
  isAlive(): boolean
  /** Waits until everything that the program printed is in the log. */
  close(): Promise<void>
}

export interface MlflowOptions extends PythonOptions {
  /** One that imports MLflow already, or has done so; whatever variables and folder it was started with. */
  started?: Python
  log: NodeJS.WritableStream
  /** Takes the secrets out of what was printed. */
  mask?: (text: string) => string
  /** Gets the run's last metrics now and then while the program runs. */
  onMetrics: TellMetrics
}

const outputTailBytes = 256 * 1024
/** How long a call that was given up may take to end, and the rest of the output to arrive. */
const endMilliseconds = 15_000
const drainMilliseconds = 2000

/** What it is given, what it prints, and what it answers. */
type Streams = [Writable, Readable, Readable, Readable, undefined]

export function startMlflow(options: MlflowOptions): Mlflow {
  const { python, variables, cwd, log, mask = text => text, onMetrics } = options
  const output = createTail(outputTailBytes)
  const words = createTail(4096)
  const { child, ended: closed } = options.started ?? startPython(options)
  const [stdin, stdout, stderr, speech] = child.stdio as Streams
  let alive = true
  const exited = new Promise<void>(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    child.once('exit', () => resolve())
  })
  const ended = Promise.race([exited, closed]).then(() => {
    alive = false
  })
  stdout.on('data', output.add)
  stdout.pipe(log, { end: false })
  const outputEnd = new Promise(resolve => stdout.once('close', resolve))
  let drained: Promise<unknown> | undefined
  stderr.on('data', words.add)
  stderr.pipe(log, { end: false })
  // A write to a process that has died; the missing answer tells.
  stdin.on('error', () => {})
  const answers = readLines(speech, closed)
  const begun = ask('begin', { environment: variables, folder: cwd })
  // Who calls first is told.
  begun.catch(() => {})

  async function call<Result>(name: string, parameters: object): Promise<Result> {
    await begun
    return ask(name, parameters)
  }

  async function ask<Result>(name: string, parameters: object): Promise<Result> {
    stdin.write(`${JSON.stringify({ call: name, arguments: parameters })}\n`)
    const { result, error } = await answer<Result>()
    if (error) throw new MlflowError(name, error)
    return result
  }

  async function answer<Result>(): Promise<{ result: Result; error?: PythonError }> {
    for (;;) {
      const { value: line } = await answers.next()
      if (line === undefined) throw await death()
      const { metrics, ...said } = JSON.parse(line)
      if (metrics === undefined) return said
      void onMetrics(metrics, output.isMidLine)
    }
  }

  async function death(): Promise<Error> {
    await ended
    const { signalCode } = child
    const how = signalCode ? `was killed by ${signalCode}.` : await lastWords()
    return new TrainingError('platform', `The process that speaks to MLflow (${python}) ${how}`)
  }

  async function lastWords(): Promise<string> {
    const said = mask(words.text())
    if (/unsupported URI 'arn:/i.test(said)) {
      return `has no sagemaker-mlflow, which it needs where MLFLOW_TRACKING_URI is an ARN. Install sagemaker-mlflow and boto3 there.`
    }
    if (child.pid) return `ended: ${lastLines(said)}`
    return `could not be started: ${await closed}`
  }

  return {
    downloadObject: parameters => call('download_object', parameters),
    createRun: parameters => call('create_run', parameters),
    startProgram: parameters => call('start_program', parameters),
    async waitForProgram(parameters) {
      const code = await call<number>('wait_for_program', parameters)
      drained = Promise.race([outputEnd, sleep(drainMilliseconds)])
      return code < 0 ? 128 - code : code
    },
    finishRun: parameters => call('finish_run', parameters),
    group: child.pid ?? 0,
    interrupt: () => void child.kill('SIGTERM'),
    async output() {
      await drained
      return mask(output.text())
    },
    isAlive: () => alive,
    async close() {
      stdin.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), endMilliseconds)
      // A process that left the program's group may hold the log open for ever.
      await Promise.race([closed, ended.then(() => sleep(drainMilliseconds))])
      clearTimeout(timer)
    }
  }
}

/** An exception that was raised in the Python process. */
export class MlflowError extends TrainingError {
  /** MLflow's own, or that of an AWS service. */
  readonly code: string | null

  constructor(call: string, { type, code, message }: PythonError) {
    const user =
      call === 'start_program' ? !platformCodes.has(code ?? '') : userCodes.has(code ?? '')
    super(user ? 'user' : 'platform', message, { type })
    this.code = code
  }
}

interface PythonError {
  type: string
  code: string | null
  message: string
}

const platformCodes = new Set([
  'INTERNAL_ERROR',
  'TEMPORARILY_UNAVAILABLE',
  'REQUEST_LIMIT_EXCEEDED'
])
const userCodes = new Set(['RESOURCE_DOES_NOT_EXIST', 'INVALID_PARAMETER_VALUE', 'INVALID_STATE'])

/** `closed`: a stream that is closed before anybody reads it is never said to be at its end. */
function readLines(input: Readable, closed: Promise<unknown>): AsyncIterator<string, undefined> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  void closed.then(() => lines.close())
  return lines[Symbol.asyncIterator]()
}
