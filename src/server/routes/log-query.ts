/** What of a log a request asks for: as text, or as events. */
import { type Static, Type } from 'typebox'
import { MalformedRequest } from '../errors.ts'

const maximum = Number.MAX_SAFE_INTEGER

export const LogQuery = Type.Object(
  {
    tail: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum,
        description: 'Begins with the last so many lines. Not with offset or limit.',
        examples: [100]
      })
    ),
    offset: Type.Optional(
      Type.Integer({ minimum: 0, maximum, description: 'Begins at this byte of the log.' })
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum,
        description: 'At most so many bytes. Not with follow or events.'
      })
    ),
    follow: Type.Optional(
      Type.Boolean({
        description:
          'true: goes on with what the job prints, and ends when the job ends. Text is not followed unless asked for, events always are.'
      })
    )
  },
  { additionalProperties: false }
)
export type LogQuery = Static<typeof LogQuery>

/** Throws MALFORMED_REQUEST with every two things that exclude each other. */
export function checkLogQuery({ tail, offset, limit, follow }: LogQuery, asEvents: boolean): void {
  const faults: string[] = []
  if (tail !== undefined && offset !== undefined)
    faults.push('"tail" and "offset" both say where to begin: send one of them.')
  if (tail !== undefined && limit !== undefined)
    faults.push('"tail" goes to the end of the log, "limit" does not: send one of them.')
  if (limit !== undefined && follow)
    faults.push('"follow" goes on until the job ends, "limit" does not: send one of them.')
  if (limit !== undefined && asEvents)
    faults.push(
      'Events go on until the job ends, "limit" does not: accept text/plain, or leave it out.'
    )
  if (follow === false && asEvents)
    faults.push(
      'Events follow the job, "follow=false" does not: accept text/plain, or leave it out.'
    )
  if (faults.length > 0) throw new MalformedRequest(faults.join(' '))
}

/** Where the client's stream was cut off; undefined for a new one. */
export function lastEventOffset(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined
  const offset = Number(header)
  if (/^\d+$/.test(header) && Number.isSafeInteger(offset)) return offset
  throw new MalformedRequest(
    `Last-Event-ID is the id of an event of this log, a number of bytes; ${JSON.stringify(header)} is none.`
  )
}
