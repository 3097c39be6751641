/** A project as the API shows it. */
import { entryPointSchema } from '../../contract/entry-point-schema.ts'
import type { StoredProject } from '../jobs/projects.ts'
import { filesNamed, type ProjectDocument } from './project-schemas.ts'

export function presentProject(stored: StoredProject): ProjectDocument {
  const { project, inspected, warnings, sizeBytes, storedAt } = stored
  const { digest, path, unpackedBytes, fileCount, files } = inspected
  const { kind, file, python, requirements } = project.environment
  const entryPoints = Object.entries(project.entryPoints).map(([name, entryPoint]) => [
    name,
    { command: entryPoint.command, parameters: entryPointSchema(entryPoint) }
  ])
  return {
    ...{ digest, name: project.name, path, sizeBytes, unpackedBytes, fileCount },
    files: [...files.paths()].toSorted().slice(0, filesNamed),
    entryPoints: Object.fromEntries(entryPoints),
    environment: { kind, file, python, requirements },
    warnings,
    storedAt,
    links: { self: `/projects/${digest}`, jobs: `/jobs?project=${digest}` }
  }
}
