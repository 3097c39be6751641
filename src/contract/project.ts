/** What an MLflow project is, once its files are read. */

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
