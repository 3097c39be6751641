import { SageMakerServiceException } from '@aws-sdk/client-sagemaker'
import t from 'tap'
import {
  meaningOf,
  quotaReason,
  wordsOf
} from '../../../../src/server/backends/sagemaker/errors.ts'

const error = (name: string, message: string, httpStatusCode = 400) =>
  new SageMakerServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode } })

const meanings: [meaning: ReturnType<typeof meaningOf>, error: Error][] = [
  ['throttled', error('ThrottlingException', 'Rate exceeded')],
  ['unauthenticated', error('ExpiredTokenException', 'The security token is expired')],
  ['unauthenticated', error('UnrecognizedClientException', 'The security token is invalid', 403)],
  ['unknown', error('InternalFailure', 'oops', 500)],
  ['unknown', error('ServiceUnavailable', 'oops', 503)],
  ['unknown', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ['unknown', Object.assign(new Error('too long'), { name: 'TimeoutError' })],
  ['unknown', error('RequestTimeoutException', 'too slow', 408)],
  ['quota', error('ResourceLimitExceeded', 'too many')],
  ['inUse', error('ResourceInUse', 'unique')],
  ['missing', error('ValidationException', 'Requested resource not found.')],
  ['refused', error('ValidationException', 'No S3 objects found')],
  ['refused', error('AccessDeniedException', 'not authorized', 403)]
]
for (const [meaning, thrown] of meanings)
  t.test(`${wordsOf(thrown)} is ${meaning}`, async t => {
    t.equal(meaningOf(thrown), meaning)
  })

t.test('a quota is said in words, and in its own where it has other ones', async t => {
  t.equal(
    quotaReason(
      error(
        'ResourceLimitExceeded',
        "The account-level service limit 'ml.m5.xlarge for training job usage' is 2 Instances, with current utilization of 2 Instances"
      )
    ),
    'Waiting for quota: ml.m5.xlarge for training job usage is 2.'
  )
  t.equal(
    quotaReason(error('ResourceLimitExceeded', 'Come back later.')),
    'Waiting for quota: Come back later.'
  )
})
