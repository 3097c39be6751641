/** Why the training environment could not be built, as a sentence that says what to do. */
import { ExecaError } from 'execa'

const notWritable = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT', 'ERR_SQLITE_ERROR']

/** What pip and uv say, up to the end of the line or of the quotation. */
const unreachable =
  /(?:failed to establish a new|temporary failure in name|name or service not known|nodename nor servname|dns error|connection (?:refused|reset|aborted)|network is unreachable|no route to host|read timed out|operation timed out|error sending request|could not connect|failed to fetch|cannot connect to proxy|certificate verify|invalid peer certificate)[^'"\n]*/i

const full = /no space left on device|disk quota exceeded|os error 28|ENOSPC|EDQUOT/i

export function explainBuildError(
  error: Error & { code?: string },
  folder: string,
  environment: Record<string, string>
): Error {
  const say = (text: string) => new Error(text, { cause: error })
  const output = error instanceof ExecaError ? String(error.all ?? '') : ''
  if (full.test(`${error.code} ${output} ${error.message}`))
    return say(
      `The disk of ${folder} is full. The training environment needs about 1 GB: make room, or set DATA_DIR to a folder on another disk.`
    )
  if (!(error instanceof ExecaError)) {
    if (!error.code || !notWritable.includes(error.code)) return error
    return say(
      `The folder ${folder} cannot be written (${error.code}). Make it writable, or set DATA_DIR to another folder.`
    )
  }
  if (error.isCanceled) return error
  // Without retries, pip is silent about why.
  const nothing = output.includes('(from versions: none)') ? 'it offered nothing' : undefined
  const cause = unreachable.exec(output)?.[0] ?? nothing
  if (cause) {
    const index = environment.PIP_INDEX_URL ?? environment.UV_DEFAULT_INDEX ?? 'PyPI'
    return say(
      `The package index (${withoutPassword(index)}) could not be reached: ${cause}. Check the network, or set PIP_INDEX_URL to an index that this machine reaches, HTTPS_PROXY to a proxy, SSL_CERT_FILE to your certificates.`
    )
  }
  return say(
    `The training environment could not be built. ${error.shortMessage}: ${lastLines(output)}`
  )
}

const lastLines = (output: string) =>
  output
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
    .slice(-3)
    .join(' ')

const withoutPassword = (address: string) => address.replace(/\/\/[^/@]*@/, '//')
