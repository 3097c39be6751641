/** Has an environment built by another process: the parent's, which starts one that may write where environments are kept. */
import { use } from '../system/in-use.ts'
import { stoppedError, TrainingError } from './failure.ts'
import type { Prepared, PrepareOptions } from './prepare-environment.ts'

/** What goes to the builder. */
export type BuildRequest = Omit<PrepareOptions, 'settings' | 'say' | 'log' | 'signal'>

/** What comes from it: the environment, or why there is none. */
export type BuildAnswer =
  | { built: Prepared }
  | { failed: { kind: TrainingError['kind']; message: string } }

/** Held by this process as the builder held it; the builder ends then. */
export async function askBuilder(options: PrepareOptions): Promise<Prepared> {
  const { settings: _, say: __, log: ___, signal, ...request } = options
  if (signal.aborted) throw stoppedError()
  const answer = await send(request, signal)
  if ('failed' in answer) throw new TrainingError(answer.failed.kind, answer.failed.message)
  for (const path of answer.built.uses ?? []) await use(path, signal)
  process.send?.({ buildTaken: true })
  return answer.built
}

function send(build: BuildRequest, signal: AbortSignal): Promise<BuildAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BuildAnswer>()
  const stop = () => {
    process.send?.({ buildTaken: true })
    reject(stoppedError())
  }
  process.once('message', resolve)
  signal.addEventListener('abort', stop, { once: true })
  process.send?.({ build })
  return promise.finally(() => {
    process.off('message', resolve)
    signal.removeEventListener('abort', stop)
  })
}
