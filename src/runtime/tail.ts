/** The end of a stream of bytes, in bounded memory. */
export interface Tail {
  add(chunk: Buffer): void
  text(): string
  /** Whether the last line has not ended. */
  isMidLine(): boolean
}

const newline = 10

export function createTail(limitBytes: number): Tail {
  let chunks: Buffer[] = []
  let bytes = 0
  const shrink = () => {
    chunks = [Buffer.concat(chunks).subarray(-limitBytes)]
    bytes = chunks[0]?.length ?? 0
  }
  return {
    add(chunk) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > 2 * limitBytes) shrink()
    },
    text() {
      shrink()
      return chunks[0]?.toString() ?? ''
    },
    isMidLine: () => (chunks.at(-1)?.at(-1) ?? newline) !== newline
  }
}
