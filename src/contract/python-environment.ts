/** A python_env file: MLflow's own form of an environment. */
import { type ContentReading, emptyContent } from './conda-environment.ts'
import { pythonText } from './python-text.ts'
import type { YamlMap, YamlReading, YamlValue } from './yaml.ts'

/** Reads the file's map; `text` is the whole file. Requirement files (`-r`) are not read in yet. */
export function readPythonEnvironment(
  map: YamlMap,
  text: string,
  lineOf: YamlReading['lineOf']
): ContentReading {
  const reading: ContentReading = { content: emptyContent(), faults: [], warnings: [] }
  const python = map.get('python') ?? null
  if (typeof python === 'string') reading.content.python = python.trim() || null
  else if (python !== null) {
    const written = writtenVersion(text, lineOf(map, 'python'))
    if (written === undefined)
      reading.faults.push('"python" is to be a version in quotes, such as "3.11"')
    else {
      reading.content.python = written
      reading.warnings.push(
        `"python: ${written}" lacks quotes, and MLflow itself takes no number there; taken as "${written}".`
      )
    }
  }
  reading.content.buildRequirements = readLines('build_dependencies', map, reading)
  reading.content.requirements = readLines('dependencies', map, reading)
  const strange = [...map.keys()].filter(key => typeof key !== 'string' || !known.has(key))
  if (strange.length > 0) {
    const keys = strange.slice(0, 10).map(key => pythonText(key)?.slice(0, 60))
    reading.warnings.push(
      `${keys.join(', ')}: MLflow knows only python, build_dependencies and dependencies; ignored.`
    )
  }
  return reading
}

const known: ReadonlySet<string> = new Set(['python', 'build_dependencies', 'dependencies'])

// YAML reads 3.10 as 3.1: only the file itself knows better.
function writtenVersion(text: string, line: number | undefined): string | undefined {
  if (line === undefined) return undefined
  const written = text.split(/\r\n|\r|\n/, line)[line - 1] ?? ''
  return /python["']?\s*:\s*([\d.]+)\s*(?:[#,}]|$)/.exec(written)?.[1]
}

function readLines(key: string, map: YamlMap, { faults }: ContentReading): string[] {
  const value: YamlValue = map.get(key) ?? []
  if (!Array.isArray(value)) {
    faults.push(`"${key}" is to be a list of requirements`)
    return []
  }
  return value.flatMap(line => {
    if (typeof line === 'string') return [line]
    faults.push(`"${key}" holds ${pythonText(line)?.slice(0, 60)}, which is no text; quote it`)
    return []
  })
}
