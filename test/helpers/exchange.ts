/** One connection, byte by byte: what is sent as it is, and all that comes back until it is closed. */
import { connect } from 'node:net'

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** The connection stays open for writing: a server that waits for more is to end it. */
export async function exchange(url: string, ...sent: (string | Uint8Array)[]): Promise<Answer> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  for (const bytes of sent) socket.write(bytes)
  const received = await Array.fromAsync(socket)
  return read(Buffer.concat(received).toString())
}

function read(text: string): Answer {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const [first = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
    })
  )
  return { status: Number(first.split(' ')[1]), headers, body }
}
