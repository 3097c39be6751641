/** How much one request may carry or ask for, and how long it may take. Limits of projects are in the configuration. */

/** Of the request line and all headers together: Node's own default. */
export const headerBytes = 16 * 1024

/** Of a JSON body. */
export const bodyBytes = 16 * 1024 * 1024

/** Of a field, in a form or in JSON. */
export const fieldBytes = 1024 * 1024

/** Of the field "jobs", in which a batch has all of its jobs, and of these with what they share. */
export const batchBytes = 16 * 1024 * 1024

/** Of a form without its archive: headers, boundaries, fields. */
export const formBytes = 16 * 1024 * 1024

export const formParts = 100

/** Of a page of the list of jobs. */
export const pageItems = 100

/** That an answer may be held until a job changes. */
export const waitSeconds = 60

/** From a request's first byte to the end of its headers. */
export const headerSeconds = 30

/** That have to come of a body in SLOW_CLIENT_SECONDS, at least. */
export const slowBytes = 64 * 1024

/** For Retry-After: what is away now may be back then. */
export const retrySeconds = 5
