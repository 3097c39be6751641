/** What an operator lets one local job use of the machine. */
export interface LocalLimits {
  /** MiB, of all its processes together. */
  memoryMb: number
  /** Cores; undefined: all. */
  cpus: number | undefined
  /** Processes and threads. */
  processes: number
  logBytes: number
  /** With less room on the disk than this, a job that holds as much itself is ended. */
  freeBytes: number
}
