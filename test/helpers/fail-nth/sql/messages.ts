/** The messages of PostgreSQL's protocol: a letter, the length of the rest, the rest. */

export interface Message {
  /** '' of the first one of a client, which has none. */
  type: string
  bytes: Buffer
  body: Buffer
}

/** Answers the messages that are whole. `starting`: the first one is a client's, without a letter. */
export function createReader(starting: boolean): (data: Buffer) => Message[] {
  let rest: Buffer = Buffer.alloc(0)
  let letters = starting ? 0 : 1
  return data => {
    rest = Buffer.concat([rest, data])
    const messages: Message[] = []
    while (rest.length >= letters + 4) {
      const end = letters + rest.readUInt32BE(letters)
      if (rest.length < end) break
      messages.push({
        type: rest.toString('latin1', 0, letters),
        bytes: rest.subarray(0, end),
        body: rest.subarray(letters + 4, end)
      })
      rest = rest.subarray(end)
      letters = 1
    }
    return messages
  }
}

export function errorResponse(severity: string, code: string, message: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${message}`]
  return messageOf('E', Buffer.from(`${fields.map(field => `${field}\0`).join('')}\0`))
}

/** E: in a transaction that has failed. I: in none. */
export const readyForQuery = (status: 'E' | 'I') => messageOf('Z', Buffer.from(status))

function messageOf(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
