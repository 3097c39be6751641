/** The folder of one host in the shape of /opt/ml: what the platform puts there, and what it takes from there. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from 'tar'
import { containerTree } from '../../../src/contract/container.ts'
import type { Host } from './run-container.ts'
import type { S3Folders } from './s3-folder.ts'
import { type Description, outputUri } from './training-job.ts'

const checkpoints = '/opt/ml/checkpoints'

/** Makes the trees of all hosts, their input channels downloaded. */
export function makeHosts(folder: string, description: Description, s3: S3Folders) {
  const count = description.ResourceConfig?.InstanceCount ?? 1
  const names = Array.from({ length: count }, (_, index) => `algo-${index + 1}`)
  return Promise.all(
    names.map(async (name, index) => {
      const temporary = join(folder, name, 'tmp')
      const host: Host = { name, tree: containerTree(join(folder, name, 'ml')), temporary }
      const { tree } = host
      for (const each of [temporary, tree.inputConfig, tree.inputData, tree.model, tree.outputData])
        await mkdir(each, { recursive: true })
      await writeConfig(host, names, description)
      for (const { ChannelName = '', DataSource } of description.InputDataConfig ?? []) {
        const { S3Uri = '', S3DataDistributionType: distribution } = DataSource?.S3DataSource ?? {}
        const shard = distribution === 'ShardedByS3Key' ? { index, count } : undefined
        await s3.download(S3Uri, join(tree.inputData, ChannelName), shard)
      }
      const saved = description.CheckpointConfig?.S3Uri
      if (saved) await s3.download(withSlash(saved), checkpointFolder(host, description))
      return host
    })
  )
}

async function writeConfig({ name, tree }: Host, hosts: string[], description: Description) {
  const { ResourceConfig: resources, AlgorithmSpecification: algorithm } = description
  const type = resources?.InstanceType
  const group = 'homogeneousCluster'
  const channels = (description.InputDataConfig ?? []).map(channel => [
    channel.ChannelName,
    {
      ...(channel.ContentType === undefined ? {} : { ContentType: channel.ContentType }),
      TrainingInputMode: channel.InputMode ?? algorithm?.TrainingInputMode,
      S3DistributionType:
        channel.DataSource?.S3DataSource?.S3DataDistributionType ?? 'FullyReplicated',
      RecordWrapperType: channel.RecordWrapperType ?? 'None'
    }
  ])
  await writeJson(tree.hyperparameters, description.HyperParameters ?? {})
  await writeJson(tree.inputDataConfig, Object.fromEntries(channels))
  await writeJson(tree.resourceConfig, {
    current_host: name,
    current_instance_type: type,
    current_group_name: group,
    hosts,
    instance_groups: [{ instance_group_name: group, instance_type: type, hosts }],
    network_interface_name: 'eth0'
  })
}

const writeJson = (file: string, value: object) => writeFile(file, JSON.stringify(value))

/** The failure file's text; empty where there is none. */
export const readFailure = ({ tree }: Host) => readFile(tree.failure, 'utf8').catch(() => '')

/** Uploads what all hosts left, however the job ended; an empty folder leaves no object. */
export async function uploadOutputs(
  folder: string,
  hosts: Host[],
  description: Description,
  s3: S3Folders
): Promise<void> {
  const uri = outputUri(description)
  const isPlain = description.OutputDataConfig?.CompressionType === 'NONE'
  for (const [name, source] of [
    ['model', (host: Host) => host.tree.model],
    ['output', (host: Host) => host.tree.outputData]
  ] as const) {
    const merged = join(folder, 'merged', name)
    for (const host of hosts) await cp(source(host), merged, { recursive: true })
    if ((await readdir(merged)).length === 0) continue
    if (isPlain) {
      await s3.putFolder(merged, `${uri}${name}/`)
    } else {
      const file = `${merged}.tar.gz`
      await create({ cwd: merged, file, gzip: true, portable: true }, ['.'])
      await s3.putFile(`${uri}${name}.tar.gz`, file)
    }
  }
  const saved = description.CheckpointConfig?.S3Uri
  if (!saved) return
  for (const host of hosts) {
    const left = checkpointFolder(host, description)
    if ((await readdir(left).catch(() => [])).length > 0) await s3.putFolder(left, withSlash(saved))
  }
}

/** Where a container has no file system of its own, only paths below /opt/ml can be its own. */
function checkpointFolder({ tree }: Host, { CheckpointConfig: config }: Description): string {
  const path = config?.LocalPath ?? checkpoints
  return join(tree.base, path.replace(/^\/opt\/ml\/?/, '').replace(/\/+$/, ''))
}

const withSlash = (uri: string) => uri.replace(/\/*$/, '/')
