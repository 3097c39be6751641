/** An MLproject file: entry points, parameters, environment. */
import { posix } from 'node:path'
import { folderOf } from './archive-path.ts'
import { readEntryPoints } from './entry-point.ts'
import type { Fault } from './fault.ts'
import type { Project, ProjectFiles } from './project.ts'
import { readEnvironment } from './project-environment.ts'
import { pythonText } from './python-text.ts'
import { scriptWarnings } from './script-warnings.ts'
import { readYaml, type YamlMap, type YamlReading } from './yaml.ts'

export interface Reading {
  /** Absent where there are faults. */
  project?: Project
  faults: Fault[]
  warnings: string[]
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
