/** What a program ran with, exactly: its Python, and every package as installed. */
import { Type } from 'typebox'

export const Package = Type.Object(
  {
    name: Type.String({ examples: ['scikit-learn'] }),
    version: Type.String({ examples: ['1.7.2'] })
  },
  { $id: 'Package' }
)
export type Package = Type.Static<typeof Package>
