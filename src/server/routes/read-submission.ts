/** A multipart request, part by part, in any order: the archive to a temporary file, fields as texts. */
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { pointerTo } from '../../contract/fault.ts'
import { MalformedRequest, UnsupportedMediaType, UploadTooLarge } from '../errors.ts'
import { fieldNames } from '../jobs/check-fields.ts'
import { fieldTooLarge, limitOf } from '../jobs/field-limits.ts'
import type { Submission } from '../jobs/submission.ts'
import {
  discardFile,
  type ReceivedArchive,
  type ReceiveOptions,
  receiveArchive
} from '../projects/index.ts'
import { batchBytes, formBytes, formParts } from '../request-limits.ts'
import { decodeText } from './decode-text.ts'

const limits = { fieldSize: batchBytes, fileSize: Number.POSITIVE_INFINITY, parts: formParts }

/**
 * Fields are read as files are, as bytes: of a part that says that it is JSON, as those of generated clients do, the
 * parser would make a value, in which numbers have lost their digits.
 */
const isPartAFile = (name?: string, contentType?: string, fileName?: string) =>
  name !== 'project' || fileName !== undefined || contentType !== 'text/plain'

export async function readSubmission(
  request: FastifyRequest,
  receiving: ReceiveOptions
): Promise<Submission> {
  if (!request.isMultipart())
    throw new UnsupportedMediaType(
      request.headers['content-type'] ?? 'none',
      'multipart/form-data, as curl -F does, or application/json'
    )
  const { uploadBytes } = receiving.limits
  if (Number(request.headers['content-length'] ?? 0) > uploadBytes + formBytes)
    throw new UploadTooLarge(uploadBytes)
  // It may have waited for its turn.
  if (request.raw.destroyed) throw new MalformedRequest('The request was cut off.')
  const submission: Submission = { texts: new Map(), faults: [] }
  try {
    for await (const part of request.parts({ limits, isPartAFile })) {
      if (part.fieldname === undefined)
        throw new MalformedRequest('A part of the form has no name.')
      if (part.type === 'field') {
        const value = String(part.value)
        if (part.valueTruncated || Buffer.byteLength(value) > limitOf(part.fieldname))
          throw fieldTooLarge(part.fieldname)
        take(submission, part.fieldname, value)
      } else if (part.fieldname === 'project') {
        if (submission.archive) submission.faults.push(twice('project'))
        if (submission.archive) part.file.resume()
        else submission.archive = await receiveArchive(part.file, receiving)
      } else take(submission, part.fieldname, await readText(part.file, part.fieldname))
    }
    return submission
  } catch (error) {
    await discard(submission.archive)
    throw isKnown(error as NodeJS.ErrnoException) ? error : unreadable(error as Error)
  }
}

/** Ours and Fastify's carry a status, the file system's name a call; the parser's own complaints have neither. */
const isKnown = (error: NodeJS.ErrnoException & { statusCode?: number }) =>
  error.statusCode !== undefined || error.syscall !== undefined

const unreadable = (error: Error) =>
  new MalformedRequest(`The form cannot be read: ${error.message}.`)

function take({ texts, faults }: Submission, name: string, value: string): void {
  if (texts.has(name)) faults.push(twice(name))
  texts.set(name, value)
}

const twice = (name: string) => ({
  pointer: pointerTo(name),
  detail: `The field "${name}" is there more than once.`
})

/** A field may come as a file, as in curl -F parameters=@parameters.json. */
async function readText(file: Readable, name: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    if (size > limitOf(name) && ['jobs', ...fieldNames].includes(name)) throw fieldTooLarge(name)
    if (size <= limitOf(name)) chunks.push(chunk)
  }
  return decodeText(Buffer.concat(chunks), `The field "${name}"`)
}

const discard = async (file: ReceivedArchive | undefined) => {
  if (file) await discardFile(file.path)
}
