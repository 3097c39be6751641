/** npm run digest: what the service will call a project, before it is sent (docs/projects.md, "The digest"). */
import { createReadStream } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { SubmissionInvalid } from '../src/server/errors.ts'
import type { ArchiveEntry } from '../src/server/projects/archive-entry.ts'
import { openArchive } from '../src/server/projects/open-archive.ts'
import { createProjectIntake } from '../src/server/projects/project-intake.ts'
import { defaultLimits } from '../src/server/projects/project-limits.ts'
import { treeLines } from '../src/server/projects/tree-digest.ts'

const usage = `npm run digest -- [--path FOLDER] [--list] DIR|ARCHIVE

Prints the digest that the service computes of a project: of a folder as of an archive of all that
is in it (tar -czf code.tar.gz -C DIR .), or of an archive (tar.gz, tar, zip).

  --path FOLDER   where the MLproject file is, as in the field "path" of a submission
  --list          prints the lines that are hashed instead, as bytes: sha256sum of them is the digest
                  (with npm run --silent, which adds nothing to them)`

const slash = Buffer.from('/')

await main().catch(error => {
  const { faults } = error as Partial<SubmissionInvalid>
  for (const { detail } of faults ?? [{ detail: (error as Error).message }]) console.error(detail)
  process.exitCode = 1
})

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      path: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  const [source, ...others] = positionals
  if (values.help) return console.log(usage)
  if (source === undefined || others.length > 0) throw new Error(usage)
  const { digest, tree } = await read(source, values.path)
  if (values.list) process.stdout.write(treeLines(tree).join(''))
  else console.log(digest)
}

/** As the service reads an upload, without keeping it. */
async function read(source: string, path: string | undefined) {
  const found = await stat(source).catch(() => undefined)
  if (!found) throw new Error(`There is no ${source}.`)
  const intake = createProjectIntake(defaultLimits)
  const entries = found.isDirectory()
    ? readFolder(Buffer.from(source))
    : openArchive({ path: source, sizeBytes: found.size }, defaultLimits)
  for await (const { kind, body } of intake.members(entries)) {
    // What is read is hashed on the way.
    if (kind === 'file') for await (const _ of body);
  }
  return intake.result(path)
}

/** The entries that an archive of the folder would have. Names are bytes: on Linux they may be no text. */
async function* readFolder(root: Buffer, below = Buffer.alloc(0)): AsyncGenerator<ArchiveEntry> {
  for (const name of await readdir(Buffer.concat([root, slash, below]), { encoding: 'buffer' })) {
    const path = Buffer.concat([below, name])
    const file = Buffer.concat([root, slash, path])
    const found = await lstat(file)
    const kind = found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'special'
    yield {
      name: path,
      kind,
      what: found.isSymbolicLink() ? 'a symbolic link' : 'no regular file',
      sizeBytes: kind === 'file' ? found.size : 0,
      executable: (found.mode & 0o100) !== 0,
      body: readBytes(file)
    }
    if (kind === 'folder') yield* readFolder(root, Buffer.concat([path, slash]))
  }
}

/** Opened when it is read: what is left out never is. */
async function* readBytes(file: Buffer): AsyncGenerator<Buffer> {
  yield* createReadStream(file)
}
