import type { ProjectLimits } from './project-limits.ts'

export interface EntryPath {
  /** Names with "/" between them; '' for the root itself. Undefined where the name cannot be a path at all. */
  path: string | undefined
  /** What is wrong with it, each a continuation of "the entry ... ". */
  faults: string[]
}

type PathLimits = Pick<ProjectLimits, 'depth' | 'nameBytes' | 'pathBytes'>

/**
 * Reads an entry's name as a path below the project's root. `./` and doubled slashes fall away, as every tool reads
 * them alike; what tools or systems read differently, or what leads out of the folder, is a fault.
 */
export function readEntryPath(name: Buffer, limits: PathLimits): EntryPath {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch {
    return { path: undefined, faults: ['has a name that is not UTF-8'] }
  }
  if (text === '') {
    return { path: undefined, faults: ['has an empty name'] }
  }
  const names = text.split('/').filter(part => part !== '' && part !== '.')
  const faults = [...formFaults(text, names), ...sizeFaults(names, limits)]
  return { path: faults.length > 0 ? undefined : names.join('/'), faults }
}

function formFaults(text: string, names: string[]): string[] {
  const faults: string[] = []
  // "/" alone is the root as Python's tarfile writes it for arcname="/".
  if (text.startsWith('/') && text !== '/') {
    faults.push('has an absolute path; paths are relative to the project')
  }
  if (/^[A-Za-z]:/.test(text)) {
    faults.push('has a path that begins with a drive letter')
  }
  if (names.includes('..')) {
    faults.push('has ".." in its path')
  }
  if (text.includes('\\')) {
    faults.push('has a backslash in its path; "/" separates names')
  }
  if (/\p{Cc}/u.test(text)) {
    faults.push('has a control character in its path')
  }
  return faults
}

function sizeFaults(names: string[], limits: PathLimits): string[] {
  const faults: string[] = []
  if (names.length - 1 > limits.depth) {
    faults.push(`lies ${names.length - 1} folders deep; ${limits.depth} are allowed`)
  }
  if (names.some(name => Buffer.byteLength(name) > limits.nameBytes)) {
    faults.push(`has a name of more than ${limits.nameBytes} bytes in its path`)
  }
  const pathBytes = Buffer.byteLength(names.join('/'))
  if (pathBytes > limits.pathBytes) {
    faults.push(`has a path of ${pathBytes} bytes; ${limits.pathBytes} are allowed`)
  }
  return faults
}
