/** One buffer of all parts; of a single part that itself, for a copy would only be garbage. */
export const joinBuffers = (parts: Buffer[]): Buffer =>
  parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
