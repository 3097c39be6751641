/** Large transfers by curl: what a user's client does, and little of the machine. */
import { execa } from 'execa'

export interface SendOptions {
  type?: string
  bytesPerSecond?: number
}

/** Sends the file as the body. Throws where the answer is no success. */
export async function sendFile(
  method: 'PUT' | 'POST',
  url: string,
  file: string,
  options: SendOptions = {}
): Promise<void> {
  await execa('curl', [...words(method, url, options), '-T', file])
}

/** Sends other bytes in place of its first ones. */
export async function sendWithHead(
  method: 'PUT' | 'POST',
  url: string,
  head: Buffer,
  file: string,
  options: SendOptions = {}
): Promise<void> {
  const script =
    'set -o pipefail; start=$1 file=$2; shift 2; { cat; tail -c "+$start" "$file"; } | curl "$@" -T -'
  const sending = [String(head.length + 1), file, ...words(method, url, options)]
  await execa('bash', ['-c', script, '-', ...sending], { input: head })
}

const words = (
  method: string,
  url: string,
  { type = 'application/octet-stream', bytesPerSecond }: SendOptions
): string[] => [
  ...['--silent', '--show-error', '--fail-with-body', '-H', 'Expect:'],
  ...['-X', method, '-H', `Content-Type: ${type}`, '-o', '/dev/null'],
  ...(bytesPerSecond ? ['--limit-rate', `${bytesPerSecond}`] : []),
  url
]

/** Reads the answer to its end, to nowhere. */
export async function download(url: string): Promise<void> {
  await execa('curl', ['--silent', '--show-error', '--fail', '-o', '/dev/null', url])
}
