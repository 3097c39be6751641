/** A conda environment file, translated to what pip installs. */
import { pipName, readCondaPackage } from './conda-packages.ts'
import type { ProjectEnvironment } from './project.ts'
import { pythonText } from './python-text.ts'
import type { YamlMap, YamlValue } from './yaml.ts'

export type EnvironmentContent = Omit<ProjectEnvironment, 'kind' | 'file'>

export interface ContentReading {
  content: EnvironmentContent
  /** Clauses without the file's name. */
  faults: string[]
  warnings: string[]
}

export const emptyContent = (): EnvironmentContent => ({
  python: null,
  requirements: [],
  buildRequirements: [],
  untranslated: []
})

/** Reads the file's map. Requirement files (`-r`) are not read in yet. */
export function readCondaEnvironment(map: YamlMap): ContentReading {
  const reading: ContentReading = { content: emptyContent(), faults: [], warnings: [] }
  const dependencies = map.get('dependencies') ?? []
  if (!Array.isArray(dependencies)) {
    reading.faults.push('"dependencies" is to be a list')
    return reading
  }
  for (const dependency of dependencies) {
    if (typeof dependency === 'string') readPackage(dependency, reading)
    else if (dependency instanceof Map && dependency.size === 1 && dependency.has('pip')) {
      readPipList(dependency.get('pip') ?? [], reading)
    } else {
      const text = pythonText(dependency)?.slice(0, 60)
      reading.faults.push(
        `"dependencies" holds ${text}, and is to hold packages such as "numpy=1.26" and one "pip:" list`
      )
    }
  }
  return reading
}

function readPackage(spec: string, { content, faults, warnings }: ContentReading): void {
  const found = readCondaPackage(spec)
  if (found === undefined) {
    faults.push(
      `"dependencies" holds ${JSON.stringify(spec.slice(0, 60))}, which is no conda package`
    )
    return
  }
  const { name, version } = found
  if (found.versionDropped) {
    warnings.push(
      `The version in ${JSON.stringify(spec.slice(0, 60))} has no form that pip reads; without conda, any version is taken.`
    )
  }
  if (name === 'python') {
    content.python ??= pythonVersion(version)
    return
  }
  const pip = pipName(name)
  if (pip === undefined) content.untranslated.push(spec)
  else if (buildPackages.has(name)) content.buildRequirements.push(pip + version)
  else content.requirements.push(pip + version)
}

const buildPackages: ReadonlySet<string> = new Set(['pip', 'setuptools', 'wheel'])

// A pin without its "==", as uv takes it; a range as it is.
function pythonVersion(version: string): string | null {
  if (version === '') return null
  const pin = /^===?(\d[^,]*?)(?:\.\*)?$/.exec(version)?.[1]
  return pin ?? version
}

function readPipList(list: YamlValue, { content, faults }: ContentReading): void {
  if (!Array.isArray(list)) {
    faults.push('"pip" in "dependencies" is to be a list')
    return
  }
  for (const line of list) {
    if (typeof line === 'string') content.requirements.push(line)
    else
      faults.push(
        `"pip" in "dependencies" holds ${pythonText(line)?.slice(0, 60)}, which is no text; quote it`
      )
  }
}
