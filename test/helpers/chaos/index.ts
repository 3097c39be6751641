/**
 * Kills the service (-9) at named points and at any moment while callers submit, stop, run again and delete jobs, starts it
 * again, and then checks all that it has promised: see points.ts, live.ts, check.ts.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asking } from './ask.ts'
import { checkHistory } from './check.ts'
import { createHistory, type Faults, type History } from './history.ts'
import { killServices } from './kill.ts'
import { live, tidy, type World } from './live.ts'
import { localStage } from './local.ts'
import { planKills } from './plan.ts'
import type { CrashPoint, Part } from './points.ts'
import { createChance } from './random.ts'
import { postgresStage, sagemakerStage } from './sagemaker.ts'
import type { Stage, StageOptions } from './stage.ts'

export interface ChaosOptions extends Pick<StageOptions, 'python' | 'trackingUri'> {
  part: Part
  kills: number
  seed: number
  onProgress(text: string): void
}

export interface ChaosResult extends Faults {
  kills: number
  /** Of them, at which point how many. */
  at: Map<string, number>
  acknowledged: number
  /** Where something is wrong: what the services said is kept there. */
  folder?: string
}

const stages: Record<Part, (options: StageOptions) => Promise<Stage>> = {
  local: localStage,
  sagemaker: sagemakerStage,
  postgres: postgresStage
}

/** After the last kill, without that any job moves. */
const stillMilliseconds = 3 * 60_000
const tellMilliseconds = 20_000
const checkMilliseconds = 20 * 60_000

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { part, kills, seed, onProgress, python, trackingUri } = options
  const folder = await mkdtemp(join(tmpdir(), `mlflow-jobs-chaos-${part}-`))
  const log = await open(join(folder, 'services.log'), 'a')
  const stage = await stages[part]({ folder, seed, output: log.fd, python, trackingUri })
  const history = createHistory()
  const over = new AbortController()
  const closing = new AbortController()
  let asked = 0
  const asking: Asking = {
    url: () => stage.services[asked++ % stage.services.length]?.url ?? '',
    over: over.signal,
    onBroken: text => history.broken.push(text)
  }
  const callers = [
    ...Array.from({ length: stage.patient }, (_, n) => ({ name: `patient${n}`, hasty: false })),
    ...Array.from({ length: stage.hasty }, (_, n) => ({ name: `hasty${n}`, hasty: true }))
  ]
  const armed = new Set<CrashPoint>()
  const world: World = {
    ...stage,
    history,
    asking,
    closing: closing.signal,
    spare: [],
    isDeletionWanted: () => [...armed].some(({ deletion }) => deletion)
  }
  const noteError = (name: string) => (error: Error) => {
    if (!over.signal.aborted) history.broken.push(`${name}: ${error.message}`)
  }
  const living = callers.map(({ name, hasty }) =>
    live({ name, hasty, chance: createChance(seed, `${part} ${name}`) }, world).catch(
      noteError(name)
    )
  )
  living.push(tidy(world).catch(noteError('tidy')))
  let killed: Awaited<ReturnType<typeof killServices>>
  try {
    const plan = planKills(part, kills, createChance(seed, part))
    killed = await killServices(stage.services, plan, armed, onProgress)
    history.broken.push(...killed.broken)
    closing.abort()
    onProgress(`${history.promised.size} jobs are acknowledged; waiting for them to end`)
    await settled(Promise.all(living), history, over, onProgress)
    await checkHistory(history, stage, { ...asking, over: AbortSignal.timeout(checkMilliseconds) })
    for (const service of stage.services) await service.end()
    history.broken.push(...(await leftListening(stage)), ...(await stage.leftovers(history)))
  } finally {
    closing.abort()
    over.abort()
    await stage.close()
    await log.close()
  }
  const { lost, doubled, stuck, broken, promised } = history
  const faults = { lost, doubled, stuck, broken }
  const result = { ...faults, kills: killed.kills, at: killed.at, acknowledged: promised.size }
  if (Object.values(faults).some(({ length }) => length > 0)) return { ...result, folder }
  await rm(folder, { recursive: true, force: true })
  return result
}

/** All have ended, or nothing moves any more. */
async function settled(
  ended: Promise<unknown>,
  history: History,
  over: AbortController,
  onProgress: (text: string) => void
): Promise<void> {
  history.movedAt = performance.now()
  const telling = setInterval(() => {
    onProgress(openJobs(history))
    if (performance.now() - history.movedAt > stillMilliseconds) over.abort()
  }, tellMilliseconds)
  await ended
  clearInterval(telling)
}

function openJobs({ promised }: History): string {
  const open = [...promised.values()].filter(({ seen }) => !seen.terminal)
  return `${open.map(({ seen }) => `${seen.id} is ${seen.status}: ${seen.statusReason}`).join('; ')}`
}

async function leftListening({ services }: Stage): Promise<string[]> {
  await sleep(100)
  const taken = await Promise.all(services.map(({ url }) => connects(Number(new URL(url).port))))
  return services.filter((_, n) => taken[n]).map(({ url }) => `${url} is still served`)
}

const connects = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1')
    const answer = (taken: boolean) => () => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
