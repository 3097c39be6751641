/** A submission against its project: every fault that a caller can know of, at once. */
import { posix } from 'node:path'
import { resolveInArchive } from './archive-path.ts'
import { isPlainValue, readCommand } from './command.ts'
import { commandFaults, defaultText } from './entry-point.ts'
import type { Fault } from './fault.ts'
import { findEntryPoint } from './find-entry-point.ts'
import { didYouMean } from './nearest.ts'
import { misfit, uriScheme } from './parameter-type.ts'
import { parameterPointer, tokenText } from './parameters.ts'
import type { EntryPoint, Parameter, Project, ProjectFiles } from './project.ts'
import { createProjectTree, type ProjectTree } from './project-tree.ts'

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

/** Faults have pointers /entryPoint and /parameters/<name>. */
export function checkSubmission(
  project: Project,
  files: ProjectFiles,
  submission: SubmissionToCheck
): Checked {
  const checked: Checked = { faults: [], warnings: [], defaults: Object.create(null) }
  const found = findEntryPoint(project, files, submission.entryPoint)
  if (typeof found === 'string') {
    checked.faults.push({ pointer: '/entryPoint', detail: found })
    return checked
  }
  checked.entryPoint = found
  const given = new Map(Object.entries(submission.parameters))
  const tree = createProjectTree(files)
  const command = readCommand(found.command, new Set(Object.keys(found.parameters)))
  for (const fault of commandFaults(found)) {
    const detail = `Entry point "${found.name}" cannot run: ${fault}.`
    checked.faults.push({ pointer: '/entryPoint', detail })
  }
  for (const parameter of Object.values(found.parameters)) {
    const { name } = parameter
    const token = given.get(name)
    given.delete(name)
    const detail =
      token === undefined
        ? missing(found, parameter)
        : wrongValue(found, parameter, command.hazards.get(name), tokenText(token))
    if (detail !== undefined) checked.faults.push(at(name, detail))
    if (token === undefined && parameter.default !== undefined) {
      checked.defaults[name] = parameter.default
    }
    const text = token === undefined ? defaultText(parameter) : tokenText(token)
    if (parameter.type === 'path' && text !== undefined) {
      checked.warnings.push(...pathWarnings(project, tree, name, text))
    }
  }
  const undeclared = [...given.keys()]
  checked.faults.push(
    ...(submission.allowUndeclaredParameters
      ? unreachable(found, command.endsOpen, undeclared)
      : unknown(found, undeclared))
  )
  return checked
}

const at = (name: string, detail: string): Fault => ({ pointer: parameterPointer(name), detail })

function missing(entryPoint: EntryPoint, parameter: Parameter): string | undefined {
  if (parameter.default !== undefined) return undefined
  return `Entry point "${entryPoint.name}" needs a value for the parameter "${parameter.name}", which has no default.`
}

// The default is always right: real projects declare {type: int, default: "None"}, and MLflow runs them.
function wrongValue(
  entryPoint: EntryPoint,
  parameter: Parameter,
  hazard: string | undefined,
  text: string
): string | undefined {
  if (text === defaultText(parameter)) return undefined
  const { name } = parameter
  const wanted = misfit(parameter.type, text)
  if (wanted !== undefined) {
    return `Parameter "${name}" of entry point "${entryPoint.name}" has the type ${parameter.declaredType}, and ${shown(text)} is not ${wanted}.`
  }
  if (hazard === undefined || isPlainValue(text)) return undefined
  return `Parameter "${name}" stands ${hazard} in the command of entry point "${entryPoint.name}", where MLflow's quoting does not hold and the shell would run what a value contains: there a value can have only letters, digits and _ @ % + = : , . / -. Let {${name}} stand by itself in the MLproject file, and every value will do.`
}

const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)

// A hint costs a comparison with every declared name.
const hintLimit = 20

function unknown(entryPoint: EntryPoint, names: string[]): Fault[] {
  const declared = Object.keys(entryPoint.parameters)
  const otherwise = declared.length === 0 ? '; it declares none.' : '.'
  return names.map((name, index) => {
    const hint = index < hintLimit ? didYouMean(name, declared, otherwise) : '.'
    return at(name, `Entry point "${entryPoint.name}" declares no parameter "${name}"${hint}`)
  })
}

// Undeclared ones are put behind the command; one that is written as `command: |` ends with a line end.
function unreachable(entryPoint: EntryPoint, endsOpen: boolean, names: string[]): Fault[] {
  if (!endsOpen) return []
  const reason = `its command ends so that what MLflow puts behind it does not reach the program. Declare the parameter, or end the command with its last argument (in YAML: ">-").`
  return names.map(name =>
    at(
      name,
      `Entry point "${entryPoint.name}" cannot be given the undeclared parameter "${name}", for ${reason}`
    )
  )
}

/**
 * MLflow fails when a local path is not there as the program starts in the project's folder. That is no fault here: the
 * path may be an empty folder, which archives know and trees of files do not, or lie outside of the project, such as
 * an absolute path of the machine or ../input/data/train in a SageMaker container.
 */
function pathWarnings(project: Project, tree: ProjectTree, name: string, text: string): string[] {
  const scheme = uriScheme(text)
  // An empty path is none: MLflow hands over a copy of the project's folder.
  if (text === '' || (scheme !== '' && scheme !== 'file')) return []
  const path = localPath(text)
  if (path === undefined || posix.isAbsolute(path)) return []
  const inArchive = resolveInArchive(project.path, path)
  if (inArchive === undefined || tree.has(inArchive)) return []
  return [
    `Parameter "${name}" names the path ${shown(text)}, which the project does not have; paths are relative to the project's folder${tree.hint(inArchive)}`
  ]
}

// MLflow decodes %20 and its like.
function localPath(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replace(/^file:(?:\/\/)?/, ''))
  } catch {
    return undefined
  }
}
