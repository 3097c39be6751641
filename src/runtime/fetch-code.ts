/** Brings the project's code to the folder where it is run. */
import { cp, mkdir, readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { extract } from 'tar'
import { type ContainerTree, codeChannel } from '../contract/container.ts'
import { userError } from './failure.ts'

const archiveName = /\.(?:tar\.gz|tgz|tar)$/

/**
 * From `submitDirectory` (the hyperparameter sagemaker_submit_directory: a path or file:// URI of a folder or an
 * archive), else from the channel `code`, else what is in the code folder already. Answers the code folder.
 */
export async function fetchCode(tree: ContainerTree, submitDirectory?: string): Promise<string> {
  const source = submitDirectory
    ? pathOf(submitDirectory, tree.base)
    : await codeInChannel(join(tree.inputData, codeChannel))
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
  await bring(source, tree.code)
  return tree.code
}

function pathOf(submitDirectory: string, base: string): string {
  if (submitDirectory.startsWith('file:')) return fileURLToPath(submitDirectory)
  if (submitDirectory.startsWith('s3:')) {
    throw userError(
      `The code is at ${submitDirectory}, but s3:// is not supported by this runtime yet. Give the code in the input channel "${codeChannel}".`
    )
  }
  return isAbsolute(submitDirectory) ? submitDirectory : resolve(base, submitDirectory)
}

/** The channel holds either one archive or the code itself. */
async function codeInChannel(channel: string): Promise<string | undefined> {
  const names = await readdir(channel).catch(() => [])
  if (names.length === 0) return undefined
  const [only = '', ...others] = names.filter(name => !name.startsWith('.'))
  return others.length === 0 && archiveName.test(only) ? join(channel, only) : channel
}

async function bring(source: string, target: string): Promise<void> {
  const kind = await stat(source).catch(() => undefined)
  if (!kind) {
    throw userError(`The code cannot be read: there is no ${source}.`)
  }
  if (kind.isDirectory()) await cp(source, target, { recursive: true, dereference: true })
  else await unpack(source, target)
}

async function unpack(file: string, cwd: string): Promise<void> {
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
      `The code archive ${file} cannot be unpacked: ${(error as Error).message}. It must be a .tar.gz or .tar file.`,
      { cause: error }
    )
  }
  if (refused) {
    throw userError(
      `The code archive ${file} holds "${refused}", which is neither a file nor a folder. Pack it without links and special files (tar --dereference).`
    )
  }
}
