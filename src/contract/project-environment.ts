/** Which environment a project names, and what is in it. */
import { folderOf, resolveInArchive } from './archive-path.ts'
import { emptyContent, readCondaEnvironment } from './conda-environment.ts'
import type { ProjectEnvironment, ProjectFiles } from './project.ts'
import { readPythonEnvironment } from './python-environment.ts'
import { pythonText } from './python-text.ts'
import { expandRequirements } from './requirements.ts'
import { readYaml, type YamlMap, type YamlValue } from './yaml.ts'

export interface EnvironmentReading {
  environment: ProjectEnvironment
  /** Sentences. */
  faults: string[]
  warnings: string[]
}

/** Reads what the MLproject file in `folder` names; where it names nothing, python_env.yaml or conda.yaml beside it. */
export function readEnvironment(
  project: YamlMap,
  folder: string,
  files: ProjectFiles
): EnvironmentReading {
  const reading: EnvironmentReading = {
    environment: { kind: 'none', file: null, ...emptyContent() },
    faults: [],
    warnings: []
  }
  const named = environmentKeys.filter(key => project.has(key))
  if (named.length > 1) {
    reading.faults.push(
      `The MLproject file names ${named.join(' and ')}, and can name one environment only.`
    )
    return reading
  }
  if (isTruthy(project.get('docker_env'))) {
    reading.faults.push(
      'The MLproject file names docker_env, and a job runs no other container within its own. Name a python_env or a conda_env with what the image holds.'
    )
    return reading
  }
  const kind = (['python_env', 'conda_env'] as const).find(key => isTruthy(project.get(key)))
  if (kind !== undefined) {
    readNamed(kind, project.get(kind) ?? null, folder, files, reading)
    return reading
  }
  const defaults = [
    ['python_env', 'python_env.yaml'],
    ['conda_env', 'conda.yaml']
  ] as const
  for (const [defaultKind, name] of defaults) {
    const file = resolveInArchive(folder, name)
    if (file === undefined || !files.has(file)) continue
    readFile(defaultKind, file, folder, files, reading)
    break
  }
  return reading
}

const environmentKeys = ['python_env', 'conda_env', 'docker_env']

// What Python takes for true: MLflow passes over empty values.
function isTruthy(value: YamlValue | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  return Boolean(value)
}

function readNamed(
  kind: 'python_env' | 'conda_env',
  value: YamlValue,
  folder: string,
  files: ProjectFiles,
  reading: EnvironmentReading
): void {
  if (typeof value !== 'string') {
    const text = pythonText(value)?.slice(0, 60)
    reading.faults.push(
      `${kind} is ${text}, and is to be the path of a file, such as ${kind === 'python_env' ? 'python_env.yaml' : 'conda.yaml'}.`
    )
    return
  }
  const file = resolveInArchive(folder, value)
  if (file === undefined) {
    reading.faults.push(`${kind} names ${value}, which lies outside of the archive; pack it, too.`)
  } else if (!files.has(file)) {
    reading.faults.push(`${kind} names ${value}, and the project has no such file.`)
  } else {
    readFile(kind, file, folder, files, reading)
  }
}

function readFile(
  kind: 'python_env' | 'conda_env',
  file: string,
  folder: string,
  files: ProjectFiles,
  reading: EnvironmentReading
): void {
  reading.environment.kind = kind
  reading.environment.file = file
  const text = files.read(file)
  if (text === undefined) {
    reading.faults.push(`The environment file ${file} is no text in UTF-8 that can be read.`)
    return
  }
  const { value = null, fault, lineOf } = readYaml(text)
  if (fault !== undefined) {
    reading.faults.push(`The environment file ${file} is no YAML: ${fault}.`)
  } else if (value === null) {
    reading.warnings.push(`The environment file ${file} is empty: nothing will be installed.`)
  } else if (!(value instanceof Map)) {
    reading.faults.push(`The environment file ${file} is to hold a map.`)
  } else {
    const { content, faults, warnings } =
      kind === 'conda_env'
        ? readCondaEnvironment(value)
        : readPythonEnvironment(value, text, lineOf)
    Object.assign(reading.environment, content)
    reading.faults.push(...faults.map(clause => `${file}: ${clause}.`))
    reading.warnings.push(...warnings.map(sentence => `${file}: ${sentence}`))
    readRequirementFiles(reading, [folderOf(file), folder], files)
  }
}

// conda looks for them beside the environment file, MLflow's own managers in the project's folder.
function readRequirementFiles(
  { environment, faults, warnings }: EnvironmentReading,
  folders: readonly string[],
  files: ProjectFiles
): void {
  const source = environment.file ?? ''
  for (const key of ['requirements', 'buildRequirements'] as const) {
    const expanded = expandRequirements(environment[key], folders, source, files)
    environment[key] = expanded.lines
    faults.push(...expanded.faults)
  }
  const names = environment.untranslated
  if (names.length === 0) return
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  warnings.push(
    `${source}: without conda these packages are not installed, for pip has none of that name: ${names.slice(0, 10).join(', ')}${more}.`
  )
}
