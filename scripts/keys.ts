/** npm run keys: the API keys in API_KEYS_FILE. The service reads the file again when it changes. */
import { randomUUID } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { Value } from 'typebox/value'
import { hashOf, makeKey } from '../src/server/callers/api-key.ts'
import { KeyEntry, type KeyFile, readKeyFile } from '../src/server/callers/key-file.ts'
import { defaultTenant } from '../src/server/tenant.ts'

const usage = `npm run keys -- add NAME [--tenant default] [--scopes read,submit] [--days N]
npm run keys -- list
npm run keys -- remove NAME|HASH

Keys lie in the file that API_KEYS_FILE names (--file FILE), as hashes.

  add     makes a key and prints it, this once. A name may have two keys, so that one can take the
          place of the other; the scopes are read, submit and admin; with --days it ends by itself
  list    prints name, tenant, scopes, times, and the first letters of the hash of each
  remove  takes away all keys of the name, or the one whose hash begins so (8 letters or more)`

const mostKeys = 2

await main().catch(error => {
  console.error((error as Error).message)
  process.exitCode = 1
})

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: 'string', default: process.env.API_KEYS_FILE ?? '' },
      tenant: { type: 'string', default: defaultTenant },
      scopes: { type: 'string', default: 'read,submit' },
      days: { type: 'string' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) return console.log(usage)
  const { file } = values
  if (!file) throw new Error('Say which file: set API_KEYS_FILE, or give --file FILE.')
  const [command, name, ...others] = positionals
  const content = await readKeyFile(file).catch(noneYet)
  if (command === 'list' && name === undefined) return list(content)
  if (name === undefined || others.length > 0) throw new Error(usage)
  if (command === 'add') return add(file, content, { ...values, name })
  if (command === 'remove') return remove(file, content, name)
  throw new Error(usage)
}

function noneYet(error: Error): KeyFile {
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return { keys: [] }
  throw error
}

interface Wanted {
  name: string
  tenant: string
  scopes: string
  days?: string | undefined
}

async function add(file: string, content: KeyFile, wanted: Wanted): Promise<void> {
  const { name, tenant, days } = wanted
  const { keys } = content
  if (keys.filter(key => key.name === name).length >= mostKeys)
    throw new Error(`${name} has ${mostKeys} keys: remove the one that is not used any more.`)
  const key = makeKey()
  const entry = {
    name,
    tenant,
    scopes: wanted.scopes.split(','),
    sha256: hashOf(key),
    createdAt: new Date().toISOString(),
    ...(days === undefined ? {} : { expiresAt: after(days) })
  }
  if (!Value.Check(KeyEntry, entry)) {
    const [fault] = Value.Errors(KeyEntry, entry)
    throw new Error(`${fault?.instancePath.slice(1)} ${fault?.message}.`)
  }
  await write(file, { ...content, keys: [...keys, entry] })
  console.log(key)
}

function after(days: string): string {
  const milliseconds = Number(days) * 24 * 60 * 60 * 1000
  if (!(milliseconds > 0)) throw new Error('--days is a number of days that is above 0.')
  return new Date(Date.now() + milliseconds).toISOString()
}

async function remove(file: string, content: KeyFile, what: string): Promise<void> {
  const { keys } = content
  const isMeant = ({ name, sha256 }: KeyEntry) =>
    name === what || (what.length >= 8 && sha256.startsWith(what))
  const left = keys.filter(key => !isMeant(key))
  if (left.length === keys.length) throw new Error(`There is no key of ${what}.`)
  await write(file, { ...content, keys: left })
}

function list({ keys }: KeyFile): void {
  for (const { name, tenant, scopes, sha256, createdAt, expiresAt } of keys)
    console.log(
      [name, tenant, scopes.join(), createdAt, expiresAt ?? 'no end', sha256.slice(0, 12)].join(
        '\t'
      )
    )
}

/** At once, for the service may read it at any moment. */
async function write(file: string, content: KeyFile): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}
