/**
 * The SM_* variables, as sagemaker-training-toolkit gives them to a training program
 * (https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md).
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { ContainerTree } from '../contract/container.ts'
import type { ContainerConfig } from './read-config.ts'
import type { Variables } from './settings.ts'
import { parseJson, pythonArgument, toolkitText } from './toolkit-text.ts'

/** Hyperparameters of the platform itself; what else begins with sagemaker_ is a framework's. */
const reserved = new Set([
  'sagemaker_program',
  'sagemaker_submit_directory',
  'sagemaker_enable_cloudwatch_metrics',
  'sagemaker_container_log_level',
  'sagemaker_job_name',
  'sagemaker_region',
  'sagemaker_s3_output',
  'default_user_module_name',
  '_tuning_objective_metric'
])

export async function containerEnvironment(
  tree: ContainerTree,
  config: ContainerConfig,
  variables: Variables
): Promise<Variables> {
  const facts = await gatherFacts(tree, config, variables)
  const channels = facts.channel_input_dirs
  const { hyperparameters } = facts
  const job = optional(config, 'sagemaker_job_name')
  const region = optional(config, 'sagemaker_region')
  const given: Record<string, unknown> = {
    SM_CHANNELS: Object.keys(channels),
    SM_HPS: hyperparameters,
    SM_FRAMEWORK_PARAMS: facts.additional_framework_parameters,
    SM_USER_ARGS: userArguments(hyperparameters),
    SM_TRAINING_ENV: facts,
    ...Object.fromEntries(exported.map(name => [`SM_${name.toUpperCase()}`, facts[name]])),
    ...prefixed('SM_CHANNEL_', channels),
    ...prefixed('SM_HP_', hyperparameters),
    ...('topology' in facts ? { SM_TOPOLOGY: facts.topology } : {}),
    CURRENT_HOST: config.currentHost,
    ...(job === undefined ? {} : { SAGEMAKER_JOB_NAME: job }),
    ...(region === undefined ? {} : { SAGEMAKER_REGION: region })
  }
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, toolkitText(value).replaceAll('\0', '')])
  )
}

/** The members of SM_TRAINING_ENV that are also variables of their own. */
const exported = [
  'current_host',
  'current_instance_group',
  'current_instance_group_hosts',
  'current_instance_type',
  'distribution_instance_groups',
  'framework_module',
  'hosts',
  'input_config_dir',
  'input_data_config',
  'input_dir',
  'instance_groups',
  'instance_groups_dict',
  'is_hetero',
  'log_level',
  'model_dir',
  'module_dir',
  'module_name',
  'network_interface_name',
  'num_cpus',
  'num_gpus',
  'num_neurons',
  'output_data_dir',
  'output_dir',
  'output_intermediate_dir',
  'resource_config',
  'user_entry_point'
] as const

async function gatherFacts(tree: ContainerTree, config: ContainerConfig, variables: Variables) {
  const { hosts, currentHost, resources } = config
  const [hyperparameters, frameworks] = splitHyperparameters(config.hyperparameters)
  const groups = readGroups(resources.instance_groups)
  const group = String(resources.current_group_name ?? 'homogeneousCluster')
  const program = optional(config, 'sagemaker_program') ?? ''
  return {
    additional_framework_parameters: frameworks,
    channel_input_dirs: Object.fromEntries(
      Object.keys(config.inputData)
        .sort()
        .map(name => [name, join(tree.inputData, name)])
    ),
    current_host: currentHost,
    current_instance_group: group,
    current_instance_group_hosts: groups[group]?.hosts ?? hosts,
    current_instance_type: resources.current_instance_type ?? null,
    distribution_hosts: hosts,
    distribution_instance_groups: [],
    framework_module: variables.SAGEMAKER_TRAINING_MODULE ?? null,
    hosts,
    hyperparameters,
    input_config_dir: tree.inputConfig,
    input_data_config: config.inputData,
    input_dir: tree.input,
    instance_groups: Object.keys(groups).length > 0 ? Object.keys(groups) : [group],
    instance_groups_dict: groups,
    is_hetero: Object.keys(groups).length > 1,
    is_master: currentHost === hosts[0],
    is_modelparallel_enabled: null,
    is_smddpmprun_installed: false,
    is_smddprun_installed: false,
    job_name: variables.TRAINING_JOB_NAME ?? null,
    log_level: Number(optional(config, 'sagemaker_container_log_level') ?? 20),
    master_hostname: hosts[0] ?? currentHost,
    model_dir: tree.model,
    module_dir: optional(config, 'sagemaker_submit_directory') ?? tree.code,
    module_name: program.replace(/\.py$/, ''),
    network_interface_name: resources.network_interface_name ?? 'eth0',
    num_cpus: availableParallelism(),
    num_gpus: await countGpus(variables),
    num_neurons: 0,
    output_data_dir: tree.outputData,
    output_dir: tree.output,
    output_intermediate_dir: join(tree.output, 'intermediate'),
    resource_config: resources,
    ...(resources.topology === undefined ? {} : { topology: resources.topology }),
    user_entry_point: program
  }
}

function splitHyperparameters(map: Record<string, string>) {
  const own: Record<string, unknown> = Object.create(null)
  const frameworks: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(map)) {
    if (reserved.has(name)) continue
    const part = name.startsWith('sagemaker_') ? frameworks : own
    part[name] = parseJson(value)
  }
  return [own, frameworks] as const
}

function optional({ hyperparameters }: ContainerConfig, name: string): string | undefined {
  const value = hyperparameters[name]
  return value === undefined ? undefined : toolkitText(parseJson(value))
}

function readGroups(value: unknown): Record<string, Record<string, unknown>> {
  const groups = Array.isArray(value) ? (value as Record<string, unknown>[]) : []
  return Object.fromEntries(groups.map(group => [String(group.instance_group_name), group]))
}

async function countGpus(env: Variables): Promise<number> {
  const { stdout, failed } = await execa('nvidia-smi', ['--list-gpus'], {
    env,
    extendEnv: false,
    reject: false
  })
  return failed ? 0 : stdout.split('\n').filter(Boolean).length
}

/** `--name value`, `-n value` for a name of one letter. */
const userArguments = (hyperparameters: Record<string, unknown>) =>
  Object.keys(hyperparameters)
    .sort()
    .flatMap(name => [
      name.length === 1 ? `-${name}` : `--${name}`,
      pythonArgument(hyperparameters[name])
    ])

/** Hyphens stay, as they do in the toolkit; no shell reads such names, so each is there with underscores, too. */
const prefixed = (prefix: string, map: Record<string, unknown>) => {
  const named = Object.entries(map).map(([name, value]) => [prefix + name.toUpperCase(), value])
  const plain = named.map(([name, value]) => [String(name).replaceAll('-', '_'), value])
  return Object.fromEntries([...plain, ...named])
}
