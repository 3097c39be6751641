/** Secrets of AWS Secrets Manager, read by boto3 as in the training image. */
import t from 'tap'
import { readSecrets } from '../../src/runtime/read-secrets.ts'
import { readSettings } from '../../src/runtime/settings.ts'
import { toolsPython } from '../helpers/python.ts'
import { startSecretsManager } from '../helpers/secrets-manager.ts'

const arn = (name: string, region = 'eu-west-1') =>
  `arn:aws:secretsmanager:${region}:123456789012:secret:${name}-AbCdEf`

const read = (references: Record<string, string>, environment: Record<string, string>) =>
  readSecrets(
    readSettings({
      PATH: process.env.PATH,
      MLFLOW_JOBS_PYTHON: toolsPython(),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      // The ARN's own region is what counts.
      AWS_REGION: 'us-east-1',
      ...environment,
      ...Object.fromEntries(
        Object.entries(references).map(([name, value]) => [
          `MLFLOW_JOBS_SECRET_FROM_${name}`,
          value
        ])
      )
    }),
    new AbortController().signal
  )

t.test('values are those of the secrets, each asked for in its region', async t => {
  const manager = await startSecretsManager([
    [arn('a'), 'väl"ue\n'],
    [arn('b', 'us-west-2'), 'other']
  ])
  t.teardown(manager.stop)
  const values = await read({ A: arn('a'), B: arn('b', 'us-west-2') }, manager.environment)
  t.same(values, { A: 'väl"ue\n', B: 'other' })
  t.same(manager.asked, [arn('a'), arn('b', 'us-west-2')])
})

t.test('each one that cannot be had is told by its variable and its name', async t => {
  const manager = await startSecretsManager([
    [arn('there'), 'a-value'],
    [arn('denied'), null],
    [arn('bytes'), Buffer.from('bytes')]
  ])
  t.teardown(manager.stop)
  const references = { A: arn('there'), B: arn('missing'), C: arn('denied'), D: arn('bytes') }
  await t.rejects(read(references, manager.environment), {
    kind: 'user',
    message: [
      `The variable B has no value: ${arn('missing')} is not in AWS Secrets Manager.`,
      `The variable C has no value: ${arn('denied')} may not be read by the job's role (secretsmanager:GetSecretValue, and kms:Decrypt for its key).`,
      `The variable D has no value: ${arn('bytes')} holds bytes and no text.`
    ].join(' ')
  })
})

t.test('an interpreter without boto3 says so', async t => {
  const python = { MLFLOW_JOBS_PYTHON: '/nowhere/python' }
  await t.rejects(read({ A: arn('a') }, python), {
    kind: 'platform',
    message: /AWS Secrets Manager could not be asked: .*ENOENT/
  })
})
