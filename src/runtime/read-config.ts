/** The files below input/config, read tolerantly: any of them may be missing. */
import { readFile } from 'node:fs/promises'
import type { ContainerTree } from '../contract/container.ts'
import { TrainingError } from './failure.ts'

export interface ContainerConfig {
  hyperparameters: Record<string, string>
  /** Of the files as they are; empty where there is none. */
  resources: Record<string, unknown>
  inputData: Record<string, unknown>
  currentHost: string
  /** Sorted. */
  hosts: string[]
}

export async function readConfig(tree: ContainerTree): Promise<ContainerConfig> {
  const [hyperparameters, resources, inputData] = await Promise.all([
    readObject(tree.hyperparameters),
    readObject(tree.resourceConfig),
    readObject(tree.inputDataConfig)
  ])
  const hosts = Array.isArray(resources.hosts) ? resources.hosts.map(String).sort() : []
  const currentHost = String(resources.current_host ?? hosts[0] ?? 'algo-1')
  return {
    hyperparameters: Object.fromEntries(
      Object.entries(hyperparameters).map(([name, value]) => [name, asText(value)])
    ),
    resources,
    inputData,
    currentHost,
    hosts: hosts.length > 0 ? hosts : [currentHost]
  }
}

/** Only the first of several hosts runs the project. */
export const isFirstHost = ({ currentHost, hosts }: ContainerConfig) => currentHost === hosts[0]

async function readObject(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new TrainingError('platform', `${file} is not JSON: ${(error as Error).message}.`)
  }
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  throw new TrainingError('platform', `${file} holds no JSON object.`)
}

/** SageMaker sends strings only; other callers of the image may write plain JSON values. */
const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
