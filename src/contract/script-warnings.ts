/** Scripts that a command runs and the project lacks: the commonest slip that can be seen in an MLproject file. */
import { resolveInArchive } from './archive-path.ts'
import { namedScripts } from './command.ts'
import type { EntryPoint, ProjectFiles } from './project.ts'
import { createProjectTree } from './project-tree.ts'

/** One sentence for each; `folder` is the project's. */
export function scriptWarnings(
  entryPoints: Record<string, EntryPoint>,
  folder: string,
  files: ProjectFiles
): string[] {
  const tree = createProjectTree(files)
  return Object.values(entryPoints).flatMap(({ name, command }) =>
    namedScripts(command).flatMap(script => {
      const path = resolveInArchive(folder, script)
      if (path === undefined || files.has(path)) return []
      return [
        `The command of entry point "${name}" runs ${script}, which the project does not have${tree.hint(path)}`
      ]
    })
  )
}
