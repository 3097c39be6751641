/**
 * The wall around a job's processes, as bubblewrap (bwrap) builds it: namespaces of their own for processes, mounts, IPC and
 * names, and a file system of what is named here and nothing else. Paths are the same on both sides, but for the job's own folder.
 */
import { dirname } from 'node:path'
import { asUser, type JobUser } from './job-user.ts'

/** What all jobs have in common. */
export interface WallBase {
  /** The path of bwrap. */
  bwrap: string
  /** DATA_DIR: what of it is not named below is not there. */
  dataDir: string
  /** Programs, libraries, settings. */
  system: string[]
  /** The operator's, to be read, and to be written. */
  readOnly: string[]
  readWrite: string[]
  /** Such as graphics cards. */
  devices: string[]
  /** What the runtime needs, wherever it lies: also in DATA_DIR. */
  tools: string[]
  /** Who jobs are; without it, who the service is. */
  user?: JobUser
}

/** What is the job's own. */
export interface WallOptions {
  /** Takes the place of /tmp. */
  temporary: string
  /** The job's folders and files, which must be there, and under which path it sees each. */
  own: { path: string; as: string }[]
  /** As the job sees it. Where jobs are of another user, it is left to the command. */
  workingFolder: string
  /** More folders and files that must be there. */
  readWrite?: string[]
  /** What the job refers to: environments, data, secrets. What is not there is left out. */
  readOnly: string[]
  /** Of /dev/shm. */
  sharedBytes: number
}

/** Is told when the last process behind the wall is gone: the end of this pipe that bwrap holds is closed then. */
export const endDescriptor = 4

/**
 * The command and its arguments, to be followed by those of the program. A session of its own: the runtime asks for its
 * process group, and one from outside has no number there.
 */
export function wallIn(base: WallBase, options: WallOptions): string[] {
  const above = (paths: string[]) =>
    foldersAbove(paths).flatMap(path => ['--perms', '0755', '--dir', path])
  const each = (option: string, paths: string[]) => [
    ...above(paths),
    ...paths.toSorted(byDepth).flatMap(path => [option, path, path])
  ]
  const inData = (path: string) => path.startsWith(`${base.dataDir}/`)
  const outside = (path: string) => !inData(path)
  return [
    base.bwrap,
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...[
      '--die-with-parent',
      '--new-session',
      '--cap-drop',
      'ALL',
      '--sync-fd',
      String(endDescriptor)
    ],
    ...each('--ro-bind-try', base.system),
    ...['--proc', '/proc', '--dev', '/dev', ...each('--dev-bind-try', base.devices)],
    ...['--size', String(options.sharedBytes), '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...[
      '--remount-ro',
      '/dev',
      '--bind',
      options.temporary,
      '/tmp',
      '--symlink',
      '/tmp',
      '/var/tmp'
    ],
    // What lies below /tmp would be hidden before.
    ...each('--ro-bind-try', base.readOnly.filter(outside)),
    ...each('--bind-try', base.readWrite.filter(outside)),
    ...above([base.dataDir]),
    ...['--perms', '0755', '--tmpfs', base.dataDir],
    ...each('--ro-bind-try', [...base.tools, ...base.readOnly.filter(inData), ...options.readOnly]),
    ...each('--bind', [...base.readWrite.filter(inData), ...(options.readWrite ?? [])]),
    ...above(options.own.map(({ as }) => as)),
    ...options.own.flatMap(({ path, as }) => ['--bind', path, as]),
    // What is another user's alone cannot be gone into before the command is that user's.
    ...(base.user ? [] : ['--chdir', options.workingFolder]),
    // Made by the way: folders above what is shown, and the data folder. Nothing is to be written there.
    ...['--remount-ro', base.dataDir, '--remount-ro', '/'],
    // Only to become another; those are gone then.
    ...(base.user ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'] : []),
    ...(base.user ? ['--cap-add', 'CAP_SETPCAP'] : []),
    '--',
    ...(base.user ? asUser(base.user) : [])
  ]
}

/** Around a process that is no job's and may write in one folder. */
export const wallAround = (base: WallBase, folder: string, temporary = folder): string[] =>
  wallIn(base, {
    temporary,
    own: [{ path: folder, as: folder }],
    workingFolder: folder,
    readOnly: [],
    sharedBytes: 1024 ** 2
  })

/** bwrap would make them for root alone. */
function foldersAbove(paths: string[]): string[] {
  const above = new Set<string>()
  for (const path of paths)
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
      above.add(folder)
  return [...above].sort(byDepth)
}

/** A folder hides what was shown below it before. */
const byDepth = (a: string, b: string) => depth(a) - depth(b) || (a < b ? -1 : 1)

const depth = (path: string) => (path === dirname(path) ? 0 : path.split('/').length)
