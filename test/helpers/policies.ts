/** The policies of deploy/iam, filled in by deploy/render-policy.sh. */
import { join } from 'node:path'
import { execa } from 'execa'
import type { Statement } from './iam.ts'

export const policyEnvironment = {
  ACCOUNT: '123456789012',
  REGION: 'eu-central-1',
  BUCKET: 'training',
  PREFIX: 'mlflow-jobs/',
  REPOSITORY: 'mlflow-jobs-train',
  JOB_ROLE: 'mlflow-jobs-job',
  SECRETS_PREFIX: 'mlflow-jobs/',
  MLFLOW_BUCKET: 'runs',
  KMS_KEY_ARN: 'arn:aws:kms:eu-central-1:123456789012:key/1'
}

export async function policy(name: string): Promise<Statement[]> {
  const script = join(import.meta.dirname, '../../deploy/render-policy.sh')
  const { stdout } = await execa(script, [name], { env: policyEnvironment })
  const { Version, Statement } = JSON.parse(stdout)
  if (Version !== '2012-10-17') throw new Error(`${name} is of the version ${Version}.`)
  return Statement
}
