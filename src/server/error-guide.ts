/** What each code means and what to do: of these entries are the titles of problems, the page /docs/errors and docs/errors.md. */

export interface ErrorEntry {
  code: string
  status: number
  /** What happened, for every occurrence: the problem's title. */
  meaning: string
  remedy: string
  /** The same request may succeed in a moment: its answer has Retry-After. */
  passing?: true
}

export const errorGuide: ErrorEntry[] = [
  {
    code: 'INVALID_REQUEST',
    status: 400,
    meaning: 'The address, a header or the body does not fit what the operation takes.',
    remedy: 'Mend each fault in "errors"; openapi.yaml has what is taken.'
  },
  {
    code: 'MALFORMED_REQUEST',
    status: 400,
    meaning: 'The request cannot be read.',
    remedy:
      'Mend what "detail" names: broken HTTP, JSON, form, percent-encoding or cursor. Of an upload that broke off nothing was kept: send it again.'
  },
  {
    code: 'UNAUTHENTICATED',
    status: 401,
    meaning: 'The service does not know who sent the request.',
    remedy:
      'Send Authorization: Bearer with an API key, or with a token of the issuer that has not ended; the service’s operator gives them out.'
  },
  {
    code: 'FORBIDDEN',
    status: 403,
    meaning: 'The caller is known, and may not do this.',
    remedy: 'Use a key or a token that has the scope that "detail" names.'
  },
  {
    code: 'CROSS_SITE',
    status: 403,
    meaning: 'A browser sent the request for a page of another site, or under a foreign name.',
    remedy:
      'Call the service under its own name. Its operator lets pages of other sites in by CORS_ORIGINS.'
  },
  {
    code: 'JOB_NOT_FOUND',
    status: 404,
    meaning: 'There is no such job.',
    remedy: 'Look for its id at GET /jobs; it may have been deleted.'
  },
  {
    code: 'PROJECT_NOT_FOUND',
    status: 404,
    meaning: 'There is no such project.',
    remedy: 'Send its archive. One that no job needs is deleted some days after it came.'
  },
  {
    code: 'MODEL_NOT_FOUND',
    status: 404,
    meaning: 'The job has ended and left no model.',
    remedy:
      'See the job’s "failure" and "warnings": it failed early, or logged nothing where the service looks.'
  },
  {
    code: 'MODEL_FILE_NOT_FOUND',
    status: 404,
    meaning: 'The model has no such file.',
    remedy: 'GET /jobs/{id}/model/files lists those that it has; percent-encode the path.'
  },
  {
    code: 'NOT_FOUND',
    status: 404,
    meaning: 'There is nothing at this address.',
    remedy: 'See the links of GET / and of each job.'
  },
  {
    code: 'METHOD_NOT_ALLOWED',
    status: 405,
    meaning: 'The address exists, and takes other methods.',
    remedy: 'Use one of those that the header Allow names.'
  },
  {
    code: 'NOT_ACCEPTABLE',
    status: 406,
    meaning: 'The answer cannot be had in any of the types that Accept names.',
    remedy: 'Ask for one of those that "detail" names.'
  },
  {
    code: 'REQUEST_TIMEOUT',
    status: 408,
    meaning: 'The rest of the request did not come in time.',
    remedy: 'Send it again. A slow upload is fine; one from which nothing comes is given up.'
  },
  {
    code: 'IDEMPOTENCY_KEY_IN_USE',
    status: 409,
    meaning: 'Another request with this Idempotency-Key is under way.',
    remedy:
      'Send the same again after the seconds in Retry-After: it will be answered with the same job.',
    passing: true
  },
  {
    code: 'JOB_NOT_TERMINAL',
    status: 409,
    meaning: 'Only a job that has ended can be deleted.',
    remedy: 'Stop it, and wait until it is "terminal".'
  },
  {
    code: 'MODEL_NOT_READY',
    status: 409,
    meaning: 'The job has not ended; its model is not there yet.',
    remedy: 'Wait until the job is "terminal".'
  },
  {
    code: 'MODEL_UNREADABLE',
    status: 409,
    meaning: 'The file cannot be read out of what the job left.',
    remedy: 'Download the whole archive: the job may have written it damaged.'
  },
  {
    code: 'PROJECT_TOO_LARGE',
    status: 413,
    meaning: 'The project is beyond a limit when it is unpacked.',
    remedy:
      'Leave data out of the project. Its operator sets the limits (MAX_PROJECT_...); GET / tells them.'
  },
  {
    code: 'REQUEST_TOO_LARGE',
    status: 413,
    meaning: 'The body is larger, or has more parts, than one may have.',
    remedy: 'Send less: put what is long into a file of the project. GET / tells the limits.'
  },
  {
    code: 'UPLOAD_TOO_LARGE',
    status: 413,
    meaning: 'The archive is larger than the service takes.',
    remedy:
      'Leave data out of the project. Its operator sets the limit (MAX_UPLOAD_BYTES); GET / tells it.'
  },
  {
    code: 'URI_TOO_LONG',
    status: 414,
    meaning: 'The address is longer than the service reads.',
    remedy: 'Shorten it; what is long belongs into a body.'
  },
  {
    code: 'NOT_AN_ARCHIVE',
    status: 415,
    meaning: 'The project is no archive that is read here, or a damaged one.',
    remedy: 'Send tar.gz, tgz, tar or zip.'
  },
  {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    status: 415,
    meaning: 'The body is of a type that is not read here.',
    remedy: 'Set Content-Type to one that the operation takes, as in openapi.yaml.'
  },
  {
    code: 'RANGE_NOT_SATISFIABLE',
    status: 416,
    meaning: 'The range begins behind the last byte.',
    remedy: 'Ask for a range within the size that Content-Range tells.'
  },
  {
    code: 'EXPECTATION_FAILED',
    status: 417,
    meaning: 'The request expects what the service cannot do.',
    remedy: 'Send "Expect: 100-continue", or no such header.'
  },
  {
    code: 'IDEMPOTENCY_KEY_REUSED',
    status: 422,
    meaning: 'The Idempotency-Key came with other content before.',
    remedy: 'Send a new key with new content, and the same content with the same key.'
  },
  {
    code: 'SUBMISSION_INVALID',
    status: 422,
    meaning: 'The submission was read, and has faults.',
    remedy: 'Mend each fault in "errors": all are named at once, each with a pointer.'
  },
  {
    code: 'TENANT_BUSY',
    status: 429,
    meaning: 'As many uploads of the tenant are under way as it may have at once.',
    remedy:
      'Try again after the seconds in Retry-After: send fewer at a time. The operator sets the limit (TENANT_MAX_UPLOADS).',
    passing: true
  },
  {
    code: 'TENANT_QUEUE_FULL',
    status: 429,
    meaning: 'As many jobs of the tenant wait as may.',
    remedy:
      'Try again after the seconds in Retry-After, or later: jobs have to start first, or be stopped. The operator sets the limit (TENANT_MAX_QUEUED_JOBS).',
    passing: true
  },
  {
    code: 'TOO_MANY_REQUESTS',
    status: 429,
    meaning: 'The callers of a tenant have sent more requests than they may in a minute.',
    remedy:
      'Try again after the seconds in Retry-After, and ask less often: wait instead of polling. RateLimit-Remaining tells what is left; the operator sets the limit (TENANT_REQUESTS_PER_MINUTE).',
    passing: true
  },
  {
    code: 'TOO_MANY_UNAUTHENTICATED',
    status: 429,
    meaning: 'Too many requests without a key or token that is known came from this address.',
    remedy:
      'Send a key or token that is known: such requests are not refused. The operator sets the limit (UNAUTHENTICATED_PER_MINUTE), and behind a proxy TRUSTED_PROXIES.',
    passing: true
  },
  {
    code: 'TOO_MANY_WAITING',
    status: 429,
    meaning: 'As many requests wait for jobs, or follow logs, as the service holds.',
    remedy:
      'Ask without wait and without follow, every few seconds; or wait in fewer requests at once. The operator sets the limits (MAX_WAITERS, MAX_FOLLOWERS).',
    passing: true
  },
  {
    code: 'HEADERS_TOO_LARGE',
    status: 431,
    meaning: 'The headers are larger than the service reads.',
    remedy: 'Send fewer or shorter ones.'
  },
  {
    code: 'CLIENT_GONE',
    status: 499,
    meaning: 'The client has gone.',
    remedy: 'Nobody gets this answer; it stands in the service’s log alone.'
  },
  {
    code: 'INTERNAL_ERROR',
    status: 500,
    meaning: 'Something went wrong inside the service.',
    remedy:
      'This is a defect. Tell the operator the "instance": the service’s log has the cause under it.'
  },
  {
    code: 'DISK_FULL',
    status: 503,
    meaning:
      'The service’s disk is nearly full: what is left is for jobs that run, and for submissions that are under way.',
    remedy:
      'Try again after the seconds in Retry-After. The operator makes room: delete jobs that have ended; MIN_FREE_BYTES is what is kept.',
    passing: true
  },
  {
    code: 'QUEUE_FULL',
    status: 503,
    meaning: 'As many jobs wait as the service queues.',
    remedy:
      'Try again after the seconds in Retry-After, or later: jobs have to start first. The operator sets the limit (MAX_QUEUED_JOBS).',
    passing: true
  },
  {
    code: 'SERVICE_BUSY',
    status: 503,
    meaning: 'As many uploads or downloads are under way as the service works on at once.',
    remedy:
      'Try again after the seconds in Retry-After. The operator sets the limits (MAX_UPLOADS, MAX_DOWNLOADS).',
    passing: true
  },
  {
    code: 'SHUTTING_DOWN',
    status: 503,
    meaning: 'The service is stopping.',
    remedy: 'Try again after the seconds in Retry-After. Jobs go on meanwhile.',
    passing: true
  },
  {
    code: 'ISSUER_UNAVAILABLE',
    status: 503,
    meaning: 'The issuer of tokens cannot be asked for its keys.',
    remedy: 'Try again after the seconds in Retry-After.',
    passing: true
  },
  {
    code: 'STORAGE_UNAVAILABLE',
    status: 503,
    meaning: 'The storage cannot be used now.',
    remedy: 'Try again after the seconds in Retry-After. Nothing of the request was kept.',
    passing: true
  },
  {
    code: 'STORE_UNAVAILABLE',
    status: 503,
    meaning: 'The database of jobs cannot be used now.',
    remedy:
      'Try again after the seconds in Retry-After, a submission with the same Idempotency-Key: it may have been kept. Jobs go on meanwhile.',
    passing: true
  }
]

const entries = new Map(errorGuide.map(entry => [entry.code, entry]))

export const errorEntry = (code: string): ErrorEntry | undefined => entries.get(code)

/** Where people read about a code: a problem's type. */
export const errorUri = (code: string): string => `/docs/errors#${code}`
