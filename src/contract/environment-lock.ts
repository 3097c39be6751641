/** What a program ran with, exactly: its Python, and every package as installed. */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'

export const Package = Type.Object(
  {
    name: Type.String({ examples: ['scikit-learn'] }),
    version: Type.String({ examples: ['1.7.2'] })
  },
  { $id: 'Package' }
)
export type Package = Type.Static<typeof Package>

/** `sha256:` of the lines `python==<version>` and `<name>==<version>`, in the order of the packages: equal for equal environments. */
export function lockDigest(python: string | null, packages: Package[]): string {
  const lines = [{ name: 'python', version: python ?? '' }, ...packages]
  const text = lines.map(({ name, version }) => `${name}==${version}\n`).join('')
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
