/** Large transfers by curl: what a user's client does, and little of the machine. */
import { execa } from 'execa'

/** Sends the file as the body. Throws where the answer is no success. */
export async function sendFile(
  method: 'PUT' | 'POST',
  url: string,
  file: string,
  {
    type = 'application/octet-stream',
    bytesPerSecond
  }: { type?: string; bytesPerSecond?: number } = {}
): Promise<void> {
  await execa('curl', [
    ...['--silent', '--show-error', '--fail-with-body', '-H', 'Expect:'],
    ...['-X', method, '-H', `Content-Type: ${type}`, '-T', file, '-o', '/dev/null'],
    ...(bytesPerSecond ? ['--limit-rate', `${bytesPerSecond}`] : []),
    url
  ])
}

/** Reads the answer to its end, to nowhere. */
export async function download(url: string): Promise<void> {
  await execa('curl', ['--silent', '--show-error', '--fail', '-o', '/dev/null', url])
}
