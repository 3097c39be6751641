/** Which entry point a name means. */
import { posix } from 'node:path'
import { resolveInArchive } from './archive-path.ts'
import { didYouMean } from './nearest.ts'
import type { EntryPoint, Project, ProjectFiles } from './project.ts'

/** The declared entry point, or a script of the project as MLflow runs it; else a sentence. */
export function findEntryPoint(
  project: Project,
  files: ProjectFiles,
  name: string
): EntryPoint | string {
  const declared = Object.hasOwn(project.entryPoints, name) && project.entryPoints[name]
  if (declared) return declared
  const interpreter = interpreters.get(posix.extname(name))
  const names = Object.keys(project.entryPoints)
  if (interpreter === undefined) {
    const known = names
      .slice(0, 20)
      .map(known => `"${known}"`)
      .join(', ')
    const otherwise =
      names.length === 0
        ? '; it declares none, but a .py or .sh file of it can be one.'
        : `; it has ${known}.`
    return `The project has no entry point ${JSON.stringify(name)}${didYouMean(name, names, otherwise)}`
  }
  // The name becomes a word of a shell's command line.
  if (!/^[\w.][\w./@+-]*$/.test(name)) {
    return `The script ${JSON.stringify(name)} cannot be an entry point: its path, relative to the project's folder, may hold letters, digits and _ . / @ + - only.`
  }
  const path = resolveInArchive(project.path, name)
  if (path === undefined || !files.has(path)) {
    const candidates = [...names, ...scriptsBelow(project, files, posix.extname(name))]
    return `The project declares no entry point ${JSON.stringify(name)} and has no such file${didYouMean(name, candidates, '.')}`
  }
  return { name, parameters: {}, command: `${interpreter} ${name}`, declared: false }
}

const interpreters: ReadonlyMap<string, string> = new Map([
  ['.py', 'python'],
  ['.sh', 'bash']
])

// A hint is not worth comparing with every file of a large project.
function scriptsBelow(project: Project, files: ProjectFiles, extension: string): string[] {
  const prefix = project.path === '' ? '' : `${project.path}/`
  const scripts: string[] = []
  for (const path of files.paths()) {
    if (path.startsWith(prefix) && path.endsWith(extension)) scripts.push(path.slice(prefix.length))
    if (scripts.length === 1000) break
  }
  return scripts
}
