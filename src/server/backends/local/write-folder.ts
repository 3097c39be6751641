/** Fills a job's folder: the project, what SageMaker would put below /opt/ml/input, and how the runtime is started. */
import { createWriteStream } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeChannel } from '../../../contract/container.ts'
import type { BackendJob } from '../index.ts'
import { give } from './give.ts'
import { type JobFile, type JobFolder, makeFolders, writeJson } from './job-folder.ts'
import { linkInputs } from './link-inputs.ts'
import type { Given } from './plan-launch.ts'
import { ownFolders } from './walled-in.ts'

const host = 'algo-1'

/** Files are replaced, never removed: a supervisor that an earlier service started may be about to read them. */
export async function writeFolder(
  place: JobFolder,
  job: BackendJob,
  file: JobFile,
  { inputs, wall }: Given
): Promise<void> {
  await makeFolders(place)
  const archive = join(place.tree.inputData, codeChannel, 'project.tar.gz')
  await pipeline(await job.project.open(), createWriteStream(`${archive}.part`))
  await rename(`${archive}.part`, archive)
  await writeJson(place.tree.hyperparameters, job.hyperparameters)
  await writeJson(place.tree.resourceConfig, {
    current_host: host,
    hosts: [host],
    network_interface_name: 'lo'
  })
  await linkInputs(place, inputs)
  const channels = [codeChannel, ...inputs.keys()]
  await writeJson(
    place.tree.inputDataConfig,
    Object.fromEntries(channels.map(channel => [channel, { TrainingInputMode: 'File' }]))
  )
  if (wall) await giveToWall(place, wall)
  await writeJson(place.job, file)
}

/** What is shown behind the wall must be there, and be its user's. */
export async function giveToWall(
  place: JobFolder,
  { user }: NonNullable<Given['wall']>
): Promise<void> {
  await writeFile(place.runtimeLock, '', { flag: 'a', mode: 0o600 })
  if (user) await give([...ownFolders(place), place.runtimeLock], user)
}
