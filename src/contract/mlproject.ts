/** An MLproject file: entry points, parameters, environment. */
import { posix } from 'node:path'
import { folderOf } from './archive-path.ts'
import { readEntryPoints } from './entry-point.ts'
import type { Fault } from './fault.ts'
import { readEnvironment } from './project-environment.ts'
import { pythonText } from './python-text.ts'
import { scriptWarnings } from './script-warnings.ts'
import { readYaml, type YamlMap, type YamlReading } from './yaml.ts'

export { checkSubmission } from './check-submission.ts'

/** The project's files, by path from the archive's root with "/" between names. */
export interface ProjectFiles {
  has(path: string): boolean
  /** The text of a small file; undefined where it is not there or not text. */
  read(path: string): string | undefined
  /** All paths. */
  paths(): Iterable<string>
}

export type ParameterType = 'string' | 'float' | 'int' | 'boolean' | 'path' | 'uri'

export interface Parameter {
  name: string
  /** What the declared type means; an unknown one means string. */
  type: ParameterType
  /** As the file says it. */
  declaredType: string
  /** JSON token of the text that MLflow will pass, as `str()` of what PyYAML reads; absent: required, since there is none or MLflow refuses it. */
  default?: string
  description?: string
}

export interface EntryPoint {
  name: string
  parameters: Record<string, Parameter>
  command: string
  /** false: a .py or .sh file of the project, run as MLflow runs it. */
  declared: boolean
}

export interface ProjectEnvironment {
  kind: 'python_env' | 'conda_env' | 'none'
  /** Path from the archive's root. */
  file: string | null
  /** Python version as pinned, such as "3.8.6" or "3.10", or a range as uv takes it, such as ">=3.8,<3.11"; null: any. */
  python: string | null
  /** pip requirement lines (of conda packages: translated), `-r file` already read in where the file is there. */
  requirements: string[]
  /** python_env's build_dependencies. */
  buildRequirements: string[]
  /** conda packages without a pip name: not installed by uv. */
  untranslated: string[]
}

export interface Project {
  name: string | null
  /** Folder of the MLproject file, '' for the root. */
  path: string
  /** Path of the MLproject file itself. */
  file: string
  entryPoints: Record<string, EntryPoint>
  environment: ProjectEnvironment
}

export interface Reading {
  /** Absent where there are faults. */
  project?: Project
  faults: Fault[]
  warnings: string[]
}

export interface SubmissionToCheck {
  entryPoint: string
  /** name -> JSON token (contract/parameters.ts). */
  parameters: Record<string, string>
  allowUndeclaredParameters: boolean
}

export interface Checked {
  /** Absent where it does not exist. */
  entryPoint?: EntryPoint
  faults: Fault[]
  warnings: string[]
  /** JSON tokens of the defaults that MLflow will apply. */
  defaults: Record<string, string>
}

/** Reads the project in a folder of the archive ('' for its root). Pointers are /project. */
export function readProject(path: string, files: ProjectFiles): Reading {
  const candidates = [...files.paths()].filter(
    file => isProjectFile(file) && folderOf(file) === path
  )
  const [file] = candidates
  const folder = path === '' ? 'the root of the archive' : `the folder ${path}`
  if (file === undefined) return refused(`There is no MLproject file in ${folder}.`)
  if (candidates.length > 1) {
    const names = candidates.slice(0, 10).join(', ')
    return refused(`There are several MLproject files in ${folder} that differ by case: ${names}.`)
  }
  const text = files.read(file)
  if (text === undefined) return refused(`${file} is no text in UTF-8 that can be read.`)
  const { value = null, fault, lineOf } = readYaml(text)
  if (fault !== undefined) return refused(`${file} is no YAML that MLflow reads: ${fault}.`)
  if (value === null) return refused(`${file} is empty: it is to name at least one entry point.`)
  if (!(value instanceof Map)) return refused(`${file} is to hold a map with "entry_points".`)
  return readMap(value, lineOf, path, file, files)
}

const isProjectFile = (file: string) => posix.basename(file).toLowerCase() === 'mlproject'

const refused = (...details: string[]): Reading => ({
  faults: details.map(detail => ({ pointer: '/project', detail })),
  warnings: []
})

function readMap(
  map: YamlMap,
  lineOf: YamlReading['lineOf'],
  path: string,
  file: string,
  files: ProjectFiles
): Reading {
  if ((map.get('databricks_spark_job') ?? null) !== null) {
    return refused(
      `${file} is a databricks_spark_job, which only Databricks runs; declare entry_points with a command.`
    )
  }
  const { entryPoints, ...read } = readEntryPoints(map, lineOf)
  const environment = readEnvironment(map, path, files)
  const details = [...read.faults.map(clause => `${file}: ${clause}.`), ...environment.faults]
  if (details.length > 0) return refused(...details)
  const name = map.get('name') ?? null
  return {
    project: {
      name: name === null ? null : (pythonText(name)?.slice(0, 250) ?? null),
      path,
      file,
      entryPoints,
      environment: environment.environment
    },
    faults: [],
    warnings: [
      ...read.warnings.map(sentence => `${file}: ${sentence}`),
      ...scriptWarnings(entryPoints, path, files),
      ...environment.warnings
    ]
  }
}
