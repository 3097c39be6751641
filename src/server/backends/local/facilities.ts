/** What local jobs need on this machine before one can start: an interpreter with mlflow, and a tracking server. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { trackingFolder } from '../../tracking-folder.ts'
import { fillCompileCache } from './compile-cache.ts'
import type { Facilities } from './index.ts'
import { createMlflowServer } from './mlflow-server.ts'
import { preparePython } from './python.ts'
import { pythonPaths } from './python-paths.ts'
import type { Sandbox } from './sandbox.ts'
import type { WallBase } from './wall.ts'

const retrySeconds = [2, 5, 15, 30, 60]

export interface FacilityOptions {
  /** DATA_DIR */
  folder: string
  /** A folder that is there, for what is needed for a while. */
  temporary: string
  /** The operator's interpreter; without it one is prepared in the folder. */
  python?: string | undefined
  /** The operator's tracking server; without it one is kept over the folder. */
  trackingUri?: string | undefined
  /** With what environments are built. */
  buildEnvironment: Record<string, string>
  /** What the tracking server sees of the service's environment: PATH, locale, time zone. */
  serverEnvironment: Record<string, string>
  sandbox: Sandbox
  onProgress(text: string): void
  /** What an operator should know. */
  onProblem(text: string): void
}

const requirements = join(import.meta.dirname, '../../../runtime/requirements.txt')

export function createFacilities(options: FacilityOptions): Facilities {
  const closing = new AbortController()
  const listeners: (() => void)[] = []
  let waitingFor: string | null = 'Preparing the training environment.'
  let python: { python: string; bin: string } | undefined
  let wall: WallBase | undefined
  let server: ReturnType<typeof createMlflowServer> | undefined
  let filling: Promise<void> | undefined
  let preparing: Promise<void> | undefined

  const progress = (text: string) => {
    waitingFor = text
    options.onProgress(text)
  }

  async function prepare(): Promise<void> {
    python ??= await preparePython({
      folder: join(options.folder, 'python'),
      requirements,
      environment: options.buildEnvironment,
      onProgress: text => progress(`Preparing the training environment: ${text}`),
      signal: closing.signal,
      ...(options.python ? { python: options.python } : {})
    })
    if (options.sandbox.wall) wall ??= await fullWall(options, python.python)
    if (wall) filling ??= fill(wall)
    if (!options.trackingUri) {
      server ??= createMlflowServer({
        folder: options.folder,
        python: python.python,
        environment: options.serverEnvironment,
        onProgress: text => progress(`Starting the tracking server: ${text}`),
        onNotice: options.onProgress
      })
      await server.ready()
    }
    waitingFor = null
    for (const listener of listeners) listener()
  }

  /** Beside the rest: jobs can do without. */
  async function fill(wall: WallBase): Promise<void> {
    const { folder: dataDir, temporary, serverEnvironment: environment } = options
    try {
      await fillCompileCache({ dataDir, temporary, wall, environment, signal: closing.signal })
    } catch (error) {
      if (!closing.signal.aborted)
        options.onProblem(`Jobs begin later than they could: ${(error as Error).message}`)
    }
  }

  /** Tries until it succeeds: a registry that cannot be reached now may be reached later. */
  async function prepareWithPatience(): Promise<void> {
    for (let tries = 0; !closing.signal.aborted; tries++) {
      try {
        return await prepare()
      } catch (error) {
        if (closing.signal.aborted) return
        const wait = retrySeconds[Math.min(tries, retrySeconds.length - 1)] ?? 60
        progress(`${(error as Error).message} (Trying again in ${wait} s.)`)
        await sleep(wait * 1000, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
  }

  const trackingUri = () => options.trackingUri ?? server?.uri() ?? null

  return {
    open() {
      const { notice, userNotice } = options.sandbox
      for (const text of preparing ? [] : [notice, userNotice]) if (text) options.onProblem(text)
      preparing ??= prepareWithPatience()
    },
    pending: () =>
      waitingFor ?? (trackingUri() ? null : 'The tracking server is being started again.'),
    current() {
      const uri = trackingUri()
      if (waitingFor !== null || !python || !uri) return undefined
      return { ...python, trackingUri: uri, ...(wall ? { wall } : {}) }
    },
    trackingUri,
    onReady: listener => void listeners.push(listener),
    async close({ keepServer }) {
      closing.abort()
      // First: what is being prepared may wait for it.
      await server?.close({ keep: keepServer })
      await preparing
      await filling
    }
  }
}

/** With what is known only when the interpreter is. */
async function fullWall(
  { sandbox, buildEnvironment, trackingUri }: FacilityOptions,
  python: string
): Promise<WallBase | undefined> {
  const { wall } = sandbox
  if (!wall) return undefined
  const store = trackingFolder(trackingUri)?.path
  if (store) await mkdir(store, { recursive: true })
  return {
    ...wall,
    tools: [...wall.tools, ...(await pythonPaths(python, buildEnvironment))],
    readWrite: [...wall.readWrite, ...(store ? [store] : [])]
  }
}
