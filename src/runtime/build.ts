/** The builder's side of ask-builder.ts: `main.ts build` is started for one request, and ends when its parent lets go of it. */
import { once } from 'node:events'
import { createMask } from '../contract/mask.ts'
import type { BuildAnswer, BuildRequest } from './ask-builder.ts'
import { failureOf } from './failure.ts'
import { createMaskedLog } from './masked-log.ts'
import { prepareEnvironment } from './prepare-environment.ts'
import { secretsIn } from './secrets.ts'
import type { Settings } from './settings.ts'

export interface BuildOptions {
  settings: Settings
  log: NodeJS.WritableStream
  /** Aborted when the parent is gone, or has what it asked for. */
  signal: AbortSignal
}

/** Answers the exit code. */
export async function build({ settings, log: given, signal }: BuildOptions): Promise<number> {
  if (!process.send) throw new Error('It builds for a parent process, and there is none.')
  // The operator's, which the parent does not know.
  const mask = createMask(secretsIn(settings))
  const { stream: log, flush } = createMaskedLog(given, mask)
  const say = (text: string) => void log.write(`mlflow-jobs: ${text}\n`)
  const asked = once(process, 'message')
  process.send({ ready: true })
  const [request] = (await asked) as [BuildRequest]
  const answer: BuildAnswer = await prepareEnvironment({
    ...request,
    settings,
    say,
    log,
    signal
  }).then(
    built => ({ built }),
    error => {
      const { kind, message } = failureOf(error)
      return { failed: { kind, message: mask.text(message) } }
    }
  )
  await flush()
  process.send(answer)
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
  return 0
}
