/** API_KEYS_FILE: who has which key, and what single tenants may have; read again when it changes. */
import { readFile, stat } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Tenant } from '../tenant.ts'
import { OwnLimits } from '../tenant-limits.ts'
import { hashOf, isKey } from './api-key.ts'
import { type Caller, type Callers, Scope } from './index.ts'

export const KeyEntry = Type.Object(
  {
    /** May stand at two keys, so that one can take the place of the other. */
    name: Type.String({ pattern: '^[\\w.@-]{1,64}$' }),
    tenant: Tenant,
    scopes: Type.Array(Scope, { minItems: 1, uniqueItems: true }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    createdAt: Type.String({ format: 'date-time' }),
    /** After that the key is nobody's. */
    expiresAt: Type.Optional(Type.String({ format: 'date-time' }))
  },
  { additionalProperties: false }
)
export type KeyEntry = Static<typeof KeyEntry>

export const KeyFile = Type.Object(
  {
    keys: Type.Array(KeyEntry),
    tenants: Type.Optional(Type.Record(Tenant, OwnLimits, { additionalProperties: false }))
  },
  { additionalProperties: false }
)
export type KeyFile = Static<typeof KeyFile>

export interface KeyFileOptions {
  /** What went wrong with a change of the file: what it held before goes on to hold. */
  onProblem(text: string): void
  milliseconds?: number
}

export interface OpenKeyFile extends Callers {
  /** What the file says of the tenant. A change of it holds soon after, whoever calls meanwhile. */
  ownLimits(tenant: string): OwnLimits | undefined
}

/** Reads the file; throws what is wrong with it. */
export async function openKeyFile(file: string, options: KeyFileOptions): Promise<OpenKeyFile> {
  const { onProblem, milliseconds = 1000 } = options
  let seen = await stampOf(file)
  let held = heldOf(await readKeyFile(file))
  let lookedAt = Date.now()
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    try {
      const stamp = await stampOf(file)
      if (stamp === seen) return
      held = heldOf(await readKeyFile(file))
      seen = stamp
    } catch (error) {
      onProblem(`${(error as Error).message} What it held before goes on to hold.`)
    }
  }

  async function lookInTime(): Promise<void> {
    if (Date.now() - lookedAt < milliseconds && !looking) return
    looking ??= look().finally(() => {
      lookedAt = Date.now()
      looking = undefined
    })
    await looking
  }

  return {
    async identify(token) {
      if (!isKey(token)) return undefined
      await lookInTime()
      const entry = held.keys.get(hashOf(token))
      return entry && !isOver(entry) ? callerOf(entry) : undefined
    },

    ownLimits(tenant) {
      void lookInTime()
      return held.tenants.get(tenant)
    }
  }
}

/** Throws an error that names the first thing that is wrong, and where. */
export async function readKeyFile(file: string): Promise<KeyFile> {
  const content: unknown = await readFile(file, 'utf8').then(JSON.parse).catch(unreadable(file))
  if (Value.Check(KeyFile, content)) return content
  const [error] = Value.Errors(KeyFile, content)
  const { instancePath = '', keyword, message } = error ?? {}
  const what = keyword === 'boolean' ? notKnown(instancePath) : message
  throw new Error(`API_KEYS_FILE ${file} is wrong at ${instancePath || '/'}: it ${what}.`)
}

const notKnown = (path: string) =>
  /^\/tenants\/[^/]*$/.test(path)
    ? 'is no tenant’s name, which has 1 to 63 small letters, digits and hyphens'
    : 'is not known'

const unreadable = (file: string) => (error: Error) => {
  throw new Error(`API_KEYS_FILE ${file} cannot be read: ${error.message}.`, { cause: error })
}

const stampOf = async (file: string) => {
  const { ino, size, mtimeMs } = await stat(file).catch(unreadable(file))
  return `${ino} ${size} ${mtimeMs}`
}

const heldOf = ({ keys, tenants = {} }: KeyFile) => ({
  keys: new Map(keys.map(entry => [entry.sha256, entry])),
  tenants: new Map(Object.entries(tenants))
})

const isOver = ({ expiresAt }: KeyEntry) =>
  expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()

const callerOf = ({ name, tenant, scopes }: KeyEntry): Caller => ({ name, tenant, scopes })
