import t from 'tap'
import type { Failure } from '../../../../src/contract/run-report.ts'
import { failureText } from '../../../../src/runtime/write-results.ts'
import { readFailureReason } from '../../../../src/server/backends/sagemaker/failure-reason.ts'

t.test('what the runtime writes is read back', async t => {
  const failure: Failure = {
    kind: 'user',
    type: 'ValueError',
    message: 'alpha must be positive: -1,\nnot "a"',
    file: 'src/train.py',
    line: 12,
    traceback: 'Traceback (most recent call last):\n  File "src/train.py", line 12',
    exitCode: 1
  }
  t.same(readFailureReason(`AlgorithmError: ${failureText(failure)}, exit code: 1`), failure)
})

const reasons: [reason: string | undefined, seen: Partial<Failure>][] = [
  [undefined, { kind: 'platform', message: 'SageMaker ended the job and gives no reason.' }],
  [
    'AlgorithmError: , exit code: 1',
    {
      kind: 'user',
      exitCode: 1,
      message: 'The container ended with exit code 1 and left no reason; its log says more.'
    }
  ],
  [
    'AlgorithmError: Exit Code: 137',
    {
      kind: 'user',
      message:
        'The container ended with exit code 137 (killed, usually because memory ran out) and left no reason; its log says more.'
    }
  ],
  ['AlgorithmError: it broke', { kind: 'user', type: null, message: 'it broke', exitCode: null }],
  [
    'ClientError: Data download failed: no files',
    { kind: 'user', message: 'Data download failed: no files' }
  ],
  [
    'ClientError: Cannot pull algorithm container. Either the image does not exist',
    { kind: 'platform' }
  ],
  [
    'ClientError: Data download failed: no files at s3://data/image/role/vpc (of the channel train)',
    { kind: 'user' }
  ],
  [
    'ClientError: No S3 objects found under S3 URL "s3://data/x" given in input data source. Please ensure that the role "arn:aws:iam::123456789012:role/job" has "s3:ListBucket" permissions.',
    { kind: 'user' }
  ],
  [
    'ClientError: Cannot read s3://data/x: access denied to arn:aws:iam::123456789012:role/job',
    { kind: 'platform' }
  ],
  [
    'CapacityError: Unable to provision requested ML compute capacity.',
    { kind: 'capacity', message: 'Unable to provision requested ML compute capacity.' }
  ],
  [
    'InternalServerError: We encountered an internal error.',
    { kind: 'platform', message: 'InternalServerError: We encountered an internal error.' }
  ],
  ['Something new', { kind: 'platform', message: 'Something new' }]
]
for (const [reason, seen] of reasons)
  t.test(`${reason} is ${seen.kind}`, async t => {
    t.match(readFailureReason(reason), seen)
  })
