/** One thing that is wrong with what a caller sent: where (an RFC 6901 JSON pointer) and what. */
import { Type } from 'typebox'

export const Fault = Type.Object(
  {
    pointer: Type.String({
      description: 'JSON pointer (RFC 6901) into the submission, such as /parameters/alpha.'
    }),
    detail: Type.String({ description: 'What is wrong there, and what would be right.' })
  },
  { $id: 'Fault', description: 'One fault of a submission.' }
)
export type Fault = Type.Static<typeof Fault>

/** The JSON pointer to a member: pointerTo('parameters', 'a/b') is /parameters/a~1b. */
export const pointerTo = (...names: string[]): string =>
  names.map(name => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
