import { createHash } from 'node:crypto'
import type { CodeHints } from '../../contract/code-hints.ts'
import type { ProjectFiles } from '../../contract/project.ts'
import { ProjectTooLarge, SubmissionInvalid } from '../errors.ts'
import type { ArchiveEntry } from './archive-entry.ts'
import { displayName } from './display-name.ts'
import { readEntryPath } from './entry-path.ts'
import { createFaultList, type FaultList } from './fault-list.ts'
import { createGitHeads } from './git-head.ts'
import { createKeptTexts } from './kept-texts.ts'
import { type LeftOutKind, leftOutKind, leftOutWarnings } from './left-out.ts'
import { locateProject } from './locate-project.ts'
import { plural } from './plural.ts'
import type { ProjectLimits } from './project-limits.ts'
import { createProjectTree } from './project-tree.ts'
import { type TreeFile, treeDigest } from './tree-digest.ts'
import type { TarMember } from './write-tar.ts'

/** What is learned of a project by reading its archive. */
export interface ProjectFacts {
  /** sha256:<hex> of the tree (docs/projects.md). */
  digest: string
  /** The files that the digest is of, in the archive's order. */
  tree: TreeFile[]
  unpackedBytes: number
  fileCount: number
  /** Folder of the MLproject file in the archive, '' for the root. */
  path: string
  /** Paths, and the texts of MLproject, environment and requirements files. */
  files: ProjectFiles
  /** HEAD of the .git folder that was left out. */
  gitCommit: string | null
  /** What the Python files in the project's folder do that matters to a run. */
  hints: CodeHints
  warnings: string[]
}

export interface ProjectIntake {
  faults: FaultList
  /** What becomes the project, in the archive's order; throws SUBMISSION_INVALID at the end if an entry was wrong. */
  members(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<TarMember>
  /** The name of the entry that came last. */
  lastName(): Buffer | undefined
  /**
   * What was learned on the way, when all members have been read. `askedPath` names the folder where the project lies.
   * Throws SUBMISSION_INVALID where there is none.
   */
  result(askedPath: string | undefined): ProjectFacts
}

/** Takes the entries of an archive one by one: refuses, leaves out, or hands on. */
export function createProjectIntake(limits: ProjectLimits): ProjectIntake {
  const faults = createFaultList()
  const tree = createProjectTree(limits)
  const texts = createKeptTexts()
  const gitHeads = createGitHeads()
  const leftOut = new Map<LeftOutKind, number>()
  const files: TreeFile[] = []
  let notTaken = 0
  let lastName: Buffer | undefined

  async function take(entry: ArchiveEntry): Promise<TarMember | undefined> {
    const { path, faults: pathFaults } = readEntryPath(entry.name, limits)
    if (path === undefined) {
      return refuse(entry, ...pathFaults)
    }
    if (entry.fault !== undefined) {
      return refuse(entry, entry.fault)
    }
    const kind = leftOutKind(path)
    if (kind !== undefined) {
      return leaveOut(entry, path, kind)
    }
    if (entry.kind === 'special') {
      return refuse(entry, `is ${entry.what}; only files and folders are taken`)
    }
    if (path === '') {
      return entry.kind === 'folder' ? countNotTaken() : refuse(entry, 'has an empty name')
    }
    const clash = tree.add(path, entry.kind)
    return clash === undefined ? toMember(entry, entry.kind, path) : refuse(entry, clash)
  }

  function refuse(entry: ArchiveEntry, ...reasons: string[]): undefined {
    countNotTaken()
    for (const reason of reasons) {
      faults.add(`The entry ${displayName(entry.name)} ${reason}.`)
    }
  }

  async function leaveOut(
    entry: ArchiveEntry,
    path: string,
    kind: LeftOutKind
  ): Promise<undefined> {
    countNotTaken()
    leftOut.set(kind, (leftOut.get(kind) ?? 0) + 1)
    if (entry.kind === 'file') {
      await gitHeads.take(path, entry.sizeBytes, entry.body)
    }
  }

  /** The tree counts what is taken; what is not must have an end, too. */
  function countNotTaken(): undefined {
    notTaken += 1
    if (notTaken > limits.files) {
      throw new ProjectTooLarge(
        `The archive holds more than ${plural(limits.files, 'entry', 'entries')} that are left out or refused, the limit of this service.`
      )
    }
  }

  function toMember(entry: ArchiveEntry, kind: 'file' | 'folder', path: string): TarMember {
    const { executable, sizeBytes } = entry
    const file = { path, executable, sizeBytes }
    // Folders are no part of the digest.
    const body =
      kind === 'file' ? hashed(file, texts.keep(path, sizeBytes, entry.body)) : entry.body
    return { ...file, kind, body }
  }

  async function* hashed(file: Omit<TreeFile, 'sha256'>, body: AsyncIterable<Buffer>) {
    const hash = createHash('sha256')
    for await (const chunk of body) {
      hash.update(chunk)
      yield chunk
    }
    files.push({ ...file, sha256: hash.digest('hex') })
  }

  return {
    faults,
    async *members(entries) {
      for await (const entry of entries) {
        lastName = entry.name
        const member = await take(entry)
        if (member) {
          yield member
        }
      }
      faults.throwIfAny()
    },
    lastName: () => lastName,
    result(askedPath) {
      const location = locateProject(tree.files(), askedPath)
      if ('fault' in location) {
        throw new SubmissionInvalid([location.fault])
      }
      return {
        digest: treeDigest(files),
        tree: files,
        unpackedBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
        fileCount: files.length,
        path: location.path,
        files: { has: tree.has, read: texts.read, paths: tree.files },
        gitCommit: gitHeads.commit(location.path),
        hints: texts.hints(location.path),
        warnings: leftOutWarnings(leftOut)
      }
    }
  }
}
