/** What every storage takes as a key. */

const keyPart = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/

/** Parts that begin with a dot are no keys: such names are for temporary files, and lead out of a root. */
export const isKey = (key: string) => key.split('/').every(part => keyPart.test(part))

export function checkKey(key: string): void {
  if (!isKey(key))
    throw new Error(
      `${JSON.stringify(key)} is no key: it must be names of letters, digits, ".", "_" and "-", parted by "/", none of which begins with a dot.`
    )
}
