/** What JSON.parse says of a text, without the piece of it that it quotes: there may be a secret in it. */
export const jsonProblem = (error: unknown): string =>
  (error as Error).message.replace(/(?<=^Unexpected token .{1,8}), .*$/s, '')
