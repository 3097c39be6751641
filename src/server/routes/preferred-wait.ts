/** The seconds of `Prefer: wait=<seconds>` (RFC 7240), at most `most`; a preference that cannot be read is none. */
export function preferredWait(
  header: string | string[] | undefined,
  most: number
): number | undefined {
  if (header === undefined) return undefined
  const preferences = [header].flat().join(',').split(',')
  const [first] = preferences.flatMap(text => /^\s*wait\s*=\s*(.*)$/i.exec(text)?.[1] ?? [])
  const [, seconds] = /^"?(\d+)"?\s*(?:;|$)/.exec(first ?? '') ?? []
  return seconds === undefined ? undefined : Math.min(Number(seconds), most)
}
