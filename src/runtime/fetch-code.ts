/** Brings the project's code to the folder where it is run. */
import { cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { extract } from 'tar'
import { type ContainerTree, codeChannel } from '../contract/container.ts'
import { userError } from './failure.ts'

const archiveName = /\.(?:tar\.gz|tgz|tar)$/

/**
 * From `submitDirectory` (the hyperparameter sagemaker_submit_directory: a path or file:// URI of a folder or an
 * archive, or the s3:// URI of an archive, which `download` brings), else from the channel `code`, else what is in the
 * code folder already. Answers the code folder.
 */
export async function fetchCode(
  tree: ContainerTree,
  submitDirectory: string | undefined,
  download: (uri: string, file: string) => Promise<void>
): Promise<string> {
  const remote = submitDirectory?.startsWith('s3:') ? submitDirectory : undefined
  const source =
    remote ??
    (submitDirectory
      ? pathOf(submitDirectory, tree.base)
      : await codeInChannel(join(tree.inputData, codeChannel)))
  const present = await readdir(tree.code).catch(() => [])
  if (source === undefined || resolve(source) === resolve(tree.code)) {
    if (present.length > 0) return tree.code
    throw userError(
      `There is no code: set the hyperparameter sagemaker_submit_directory, or give the code in the input channel "${codeChannel}".`
    )
  }
  if (present.length > 0) {
    throw userError(
      `The code of ${source} cannot be put into ${tree.code}: that folder is not empty. Leave it empty, or leave out sagemaker_submit_directory to run what it holds.`
    )
  }
  await mkdir(tree.code, { recursive: true })
  if (remote) await bringRemote(remote, tree.code, download)
  else await bring(source, tree.code)
  return tree.code
}

function pathOf(submitDirectory: string, base: string): string {
  if (submitDirectory.startsWith('file:')) return fileURLToPath(submitDirectory)
  return isAbsolute(submitDirectory) ? submitDirectory : resolve(base, submitDirectory)
}

/** The channel holds either one archive or the code itself. */
async function codeInChannel(channel: string): Promise<string | undefined> {
  const names = await readdir(channel).catch(() => [])
  if (names.length === 0) return undefined
  const [only = '', ...others] = names.filter(name => !name.startsWith('.'))
  return others.length === 0 && archiveName.test(only) ? join(channel, only) : channel
}

async function bringRemote(
  uri: string,
  target: string,
  download: (uri: string, file: string) => Promise<void>
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-code-'))
  const file = join(folder, 'archive')
  try {
    await download(uri, file)
    await unpack(file, target, uri)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function bring(source: string, target: string): Promise<void> {
  const kind = await stat(source).catch(() => undefined)
  if (!kind) {
    throw userError(`The code cannot be read: there is no ${source}.`)
  }
  if (kind.isDirectory()) await cp(source, target, { recursive: true, dereference: true })
  else await unpack(source, target, source)
}

async function unpack(file: string, cwd: string, name: string): Promise<void> {
  let refused: string | undefined
  try {
    await extract({
      file,
      cwd,
      strict: true,
      preserveOwner: false,
      filter: (path, entry) => {
        const plain =
          'type' in entry && ['File', 'OldFile', 'ContiguousFile', 'Directory'].includes(entry.type)
        if (!plain) refused ??= path
        return plain
      },
      onReadEntry: entry => {
        if (entry.mode !== undefined) entry.mode &= 0o777
      }
    })
  } catch (error) {
    throw userError(
      `The code archive ${name} cannot be unpacked: ${(error as Error).message}. It must be a .tar.gz or .tar file.`,
      { cause: error }
    )
  }
  if (refused) {
    throw userError(
      `The code archive ${name} holds "${refused}", which is neither a file nor a folder. Pack it without links and special files (tar --dereference).`
    )
  }
}
