/** What AWS answers in place of its work. */

export type Api = 's3' | 'sagemaker'

interface Refusal {
  status: number
  type: string
  body: string
}

type Words = [status: number, code: string, message: string]

const s3: Record<string, Words> = {
  error: [500, 'InternalError', 'We encountered an internal error. Please try again.'],
  busy: [503, 'SlowDown', 'Please reduce your request rate.'],
  denied: [403, 'AccessDenied', 'Access Denied']
}

const sagemaker: Record<string, Words> = {
  error: [500, 'InternalFailure', 'An internal error occurred.'],
  busy: [400, 'ThrottlingException', 'Rate exceeded'],
  denied: [400, 'AccessDeniedException', 'User is not authorized to perform this action'],
  limit: [400, 'ResourceLimitExceeded', 'The account-level service limit is 1 Instances']
}

/** undefined where this is no answer of AWS's, or none to this call. */
export function refusalOf(api: Api, way: string, site: string): Refusal | undefined {
  if (way === 'limit' && site !== 'CreateTrainingJob') return undefined
  const words = (api === 's3' ? s3 : sagemaker)[way.replace(/ .*/, '')]
  if (!words) return undefined
  const [status, code, message] = words
  return api === 's3'
    ? {
        status,
        type: 'application/xml',
        body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
      }
    : {
        status,
        type: 'application/x-amz-json-1.1',
        body: JSON.stringify({ __type: code, message })
      }
}
