/** An error as the service answers it. */
export class ServiceError extends Error {
  readonly status: number

  constructor(name: string, message: string, status = 400) {
    super(message)
    this.name = name
    this.status = status
  }
}

/** Errors of the service's model spell the member `Message`, those of its framework `message`. */
export function errorBody({ name, message }: ServiceError): string {
  const isModelled = ['ResourceInUse', 'ResourceLimitExceeded', 'ResourceNotFound'].includes(name)
  return JSON.stringify({ __type: name, [isModelled ? 'Message' : 'message']: message })
}

export const validationError = (message: string) => new ServiceError('ValidationException', message)

/** What the emulator does not do is no fault of the client's. */
export const unsupported = (what: string) =>
  new ServiceError('InternalFailure', `This emulator does not do ${what}.`, 500)
