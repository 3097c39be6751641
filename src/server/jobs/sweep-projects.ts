/** Projects that no job needs: those that are too old go, and of the others those that were sent longest ago. */
import { type ProjectName, projectFolders, projectOf } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { type ProjectRemoval, removeUnusedProject, surelyKept } from './remove-unused-project.ts'

export interface SweepProjectsOptions extends ProjectRemoval {
  store: ProjectRemoval['store'] & Pick<Store, 'list'>
  /** How many bytes all that no job needs may have together. Infinity is any. */
  projectBytes: number
  log: { info(data: object, text: string): void }
}

interface Listed {
  project: ProjectName
  sizeBytes: number
  at: number
}

/** `attempt` acts, and bears it where that does not work. Answers how many were removed. */
export async function sweepProjects(
  options: SweepProjectsOptions,
  attempt: (what: object, act: () => Promise<void>) => Promise<void>,
  signal?: AbortSignal
): Promise<number> {
  const { storage, projectMilliseconds, projectBytes, log } = options
  const young: Listed[] = []
  let removed = 0
  const remove = (project: ProjectName, milliseconds: number, text: string) =>
    attempt({ project }, async () => {
      if (!(await removeUnusedProject(project, { ...options, projectMilliseconds: milliseconds })))
        return
      removed++
      log.info({ project }, text)
    })

  for (const folder of projectFolders)
    for await (const { key, sizeBytes, modifiedAt } of storage.list(folder)) {
      if (signal?.aborted) return removed
      const project = projectOf(key)
      if (!project) continue
      const at = modifiedAt.getTime()
      if (Date.now() - at >= projectMilliseconds)
        await remove(project, projectMilliseconds, 'project deleted, which no job needs')
      else if (projectBytes !== Infinity) young.push({ project, sizeBytes, at })
    }

  const kept = surelyKept(options)
  for await (const { project, at } of tooMuch(young, options)) {
    if (signal?.aborted) return removed
    if (Date.now() - at >= kept)
      await remove(
        project,
        kept,
        'project deleted, for those that no job needs are more than is kept'
      )
  }
  return removed
}

/** Whoever is among the last of those that no job needs fits. */
async function* tooMuch(
  young: Listed[],
  { store, projectBytes }: SweepProjectsOptions
): AsyncGenerator<Listed> {
  const all = young.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (all <= projectBytes) return
  let bytes = 0
  for (const each of young.sort((a, b) => b.at - a.at)) {
    const { tenant, digest } = each.project
    if ((await store.list({ tenant, project: digest, limit: 1 })).length > 0) continue
    bytes += each.sizeBytes
    if (bytes > projectBytes) yield each
  }
}
