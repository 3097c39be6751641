/** Secrets of a training job: it finds them itself, for whoever may describe it sees its variables. */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { secretArn } from '../../../contract/secrets.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import { ofTenant } from '../../tenant.ts'
import type { BackendJob } from '../index.ts'

export function checkSecrets(
  job: BackendJob,
  { secretArnPrefixes, networkIsolation }: SagemakerConfig
): Fault[] {
  const prefixes = secretArnPrefixes.map(prefix => ofTenant(prefix, job.tenant))
  const at = (name: string, detail: string): Fault => ({
    pointer: pointerTo('environment', name),
    detail
  })
  return [
    ...job.markedSecrets.map(name => at(name, literal)),
    ...Object.entries(job.secretReferences).flatMap(([name, reference]) => {
      const detail = networkIsolation ? noNetwork : faultOf(reference, prefixes)
      return detail === undefined ? [] : [at(name, detail)]
    })
  ]
}

function faultOf(reference: string, prefixes: string[]): string | undefined {
  if (!secretArn.test(reference))
    return 'Jobs run on Amazon SageMaker here and see no file of the service: give the ARN of a secret in AWS Secrets Manager.'
  if (prefixes.length === 0)
    return 'Jobs may read no secrets here: the operator of the service has to name those in SECRET_ARN_PREFIXES, and give the jobs’ role the right to read them.'
  if (prefixes.some(prefix => reference.startsWith(prefix))) return undefined
  return `The secret must be one of those that the operator has named (SECRET_ARN_PREFIXES): ${prefixes.map(prefix => `${prefix}*`).join(', ')}.`
}

const literal =
  'On SageMaker whoever may describe the training job sees the values of its variables. Keep the secret in AWS Secrets Manager, and give its ARN: { "valueFrom": "arn:aws:secretsmanager:..." }.'

const noNetwork =
  'Jobs have no network here, so they reach no AWS Secrets Manager: leave it out, or let the operator run the service without SAGEMAKER_NETWORK_ISOLATION.'
