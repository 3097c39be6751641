/** The fetched code as the contract reads it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { type CodeHints, readCodeHints } from '../contract/code-hints.ts'
import { readProject } from '../contract/mlproject.ts'
import type { Project, ProjectFiles } from '../contract/project.ts'
import { userError } from './failure.ts'

const textLimitBytes = 1024 * 1024

export interface Code {
  project: Project
  hints: CodeHints
  warnings: string[]
}

export interface Place {
  /** Folder of the MLproject file, '' or absent: the root. */
  projectPath?: string | undefined
  /** A script that is run where there is no MLproject file: MLflow takes such a folder for a project. */
  program?: string
}

/** Throws an error with all faults of the MLproject file and its environment file. */
export function readCode(folder: string, { projectPath = '', program = '' }: Place = {}): Code {
  const files = filesOf(folder)
  const written = [...files.paths()].some(path => /(?:^|\/)mlproject$/i.test(path))
  const { project, faults, warnings } = readProject(
    projectPath,
    files.has(program) && !written ? withProjectFile(files) : files
  )
  if (!project) throw userError(faults.map(({ detail }) => detail).join(' '))
  return { project, hints: gatherHints(files, project.path), warnings }
}

/** An MLproject file that says nothing: what counts is the environment file beside it. */
function withProjectFile(files: ProjectFiles): ProjectFiles {
  return {
    has: path => path === 'MLproject' || files.has(path),
    paths: () => [...files.paths(), 'MLproject'],
    read: path => (path === 'MLproject' ? '{name: }' : files.read(path))
  }
}

function filesOf(folder: string): ProjectFiles {
  const paths = new Set(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  )
  return {
    has: path => paths.has(path),
    paths: () => paths,
    read(path) {
      const file = join(folder, path)
      if (!paths.has(path) || statSync(file).size > textLimitBytes) return undefined
      const text = readFileSync(file, 'utf8')
      return text.includes('\0') ? undefined : text
    }
  }
}

function gatherHints(files: ProjectFiles, path: string): CodeHints {
  const root = path ? `${path}/` : ''
  const all = [...files.paths()]
    .filter(file => file.startsWith(root) && file.endsWith('.py'))
    .map(file => readCodeHints(files.read(file) ?? ''))
  return {
    experiments: [...new Set(all.flatMap(({ experiments }) => experiments))],
    dynamicExperiment: all.some(({ dynamicExperiment }) => dynamicExperiment),
    setsTrackingUri: all.some(({ setsTrackingUri }) => setsTrackingUri)
  }
}
