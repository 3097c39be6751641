/**
 * What SageMaker would refuse: every limit of CreateTrainingJob that a submission can break, with pointers into the
 * submission. More tags or variables than any backend takes are told with the other fields (jobs/check-fields.ts).
 */
import { type Fault, pointerTo } from '../../../contract/fault.ts'
import { runOptionMembers } from '../../../contract/mlflow-run-options.ts'
import { mostTags } from '../../../contract/tags.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import { ofTenant } from '../../tenant.ts'
import type { BackendJob } from '../index.ts'
import { checkResources } from './check-resources.ts'
import { checkSecrets } from './check-secrets.ts'
import { environmentOf, hyperparametersOf, jobTag, tagsOf } from './create-request.ts'

const most = {
  hyperparameters: 100,
  hyperparameterKey: 256,
  hyperparameterValue: 2500,
  variables: 100,
  variableName: 512,
  variableValue: 512,
  tags: mostTags,
  channels: 20,
  uri: 1024
}

export const checkLimits = (
  job: BackendJob,
  settings: SagemakerConfig,
  trackingUri: string | null
): Fault[] => [
  ...checkHyperparameters(job),
  ...checkEnvironment(job, settings, trackingUri),
  ...checkSecrets(job, settings),
  ...checkTags(job, settings),
  ...checkInputs(job, settings),
  ...checkResources(job, settings)
]

function checkHyperparameters(job: BackendJob): Fault[] {
  const entries = Object.entries(hyperparametersOf(job))
  const faults = entries.flatMap(([name, value]): Fault[] => {
    const pointer = pointerOf(name)
    if (lengthOf(name) > most.hyperparameterKey)
      return [
        {
          pointer,
          detail: `A name has at most ${most.hyperparameterKey} characters on SageMaker, and this one has ${lengthOf(name)}.`
        }
      ]
    if (/[\n\r\u0085\u2028\u2029]/.test(name))
      return [{ pointer, detail: 'A name has no line ends on SageMaker.' }]
    if (lengthOf(value) <= most.hyperparameterValue) return []
    return [
      {
        pointer,
        detail: `As JSON it has ${lengthOf(value)} characters, and SageMaker takes at most ${most.hyperparameterValue}. Put it into a file of the project or of an input channel.`
      }
    ]
  })
  const own = entries.filter(([name]) => name.startsWith(ownPrefix)).length
  if (entries.length > most.hyperparameters)
    faults.push({
      pointer: '/parameters',
      detail: `SageMaker takes at most ${most.hyperparameters - own} parameters beside the ${own} of the service, and there are ${entries.length - own}. Put them into a file of the project or of an input channel.`
    })
  return faults
}

const ownPrefix = 'sagemaker_mlflow_'
const runPrefix = `${ownPrefix}run_`

/** The field of the submission that a hyperparameter came from. */
function pointerOf(name: string): string {
  if (name === `${ownPrefix}tags`) return '/tags'
  if (name === `${ownPrefix}project_path`) return '/path'
  if (!name.startsWith(runPrefix)) return pointerTo('parameters', name)
  const member = runOptionMembers.get(name.slice(runPrefix.length)) ?? ''
  return member === 'entryPoint' ? '/entryPoint' : pointerTo('run', member)
}

function checkEnvironment(
  job: BackendJob,
  settings: SagemakerConfig,
  trackingUri: string | null
): Fault[] {
  const faults = Object.entries({ ...job.environment, ...job.secretReferences }).flatMap(
    ([name, value]): Fault[] => {
      const pointer = pointerTo('environment', name)
      if (name.length > most.variableName)
        return [
          {
            pointer,
            detail: `A variable’s name has at most ${most.variableName} characters on SageMaker.`
          }
        ]
      if (name === 'MLFLOW_TRACKING_URI' && settings.networkIsolation && isRemote(value))
        return [
          {
            pointer,
            detail:
              'Jobs have no network here, so they reach no tracking server: leave it out, and the job logs into what it leaves.'
          }
        ]
      if (lengthOf(value) <= most.variableValue) return []
      return [
        {
          pointer,
          detail: `A variable’s value has at most ${most.variableValue} characters on SageMaker, and this one has ${lengthOf(value)}. Put it into a file of the project or of an input channel.`
        }
      ]
    }
  )
  const all = Object.keys(environmentOf(job, settings, trackingUri)).length
  const theirs = Object.keys({ ...job.environment, ...job.secretReferences }).length
  const own = all - theirs
  if (all > most.variables && theirs <= most.variables)
    faults.push({
      pointer: '/environment',
      detail: `SageMaker takes at most ${most.variables - own} variables beside the ${own} of the service.`
    })
  return faults
}

/** What a network is needed for: a server, or managed MLflow's ARN. */
const isRemote = (trackingUri: string) => /^(https?:|arn:)/i.test(trackingUri)

function checkTags(job: BackendJob, settings: SagemakerConfig): Fault[] {
  const faults = Object.keys(job.tags).flatMap((key): Fault[] => {
    const pointer = pointerTo('tags', key)
    if (/^aws:/i.test(key))
      return [{ pointer, detail: 'Tags that begin with "aws:" are for AWS alone.' }]
    if (key === jobTag)
      return [{ pointer, detail: `The service sets the tag "${jobTag}"; choose another key.` }]
    if (Object.hasOwn(settings.tags, key) && settings.tags[key] !== job.tags[key])
      return [
        { pointer, detail: `The service's operator sets the tag "${key}"; choose another key.` }
      ]
    return []
  })
  const all = Object.keys(tagsOf(job, settings)).length
  const theirs = Object.keys(job.tags).length
  const own = all - theirs
  if (all > most.tags && theirs <= most.tags)
    faults.push({
      pointer: '/tags',
      detail: `SageMaker takes at most ${most.tags - own} tags beside the ${own} of the service.`
    })
  return faults
}

const noRoots =
  'Jobs may read no data in S3 here: the operator of the service has to name it in INPUT_ROOTS.'
const outside = (roots: string[]) =>
  `The data must be below what the operator has named for it (INPUT_ROOTS): ${roots.join(', ')}.`

/** Buckets from before 2018 may have capitals, "_" and longer names. A URI is one line. */
const objectUri = /^s3:\/\/[a-z0-9][\w.-]{1,253}[a-z0-9](\/[^\n\r\u0085\u2028\u2029]*)?$/i
/** The other form of CreateTrainingJob's pattern, of S3's own hosts: s3.REGION, BUCKET.s3.REGION, s3-REGION. */
const httpsUri =
  /^https:\/\/([^/\s]+\.)?s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?\/[^\n\r\u0085\u2028\u2029]+$/

function checkInputs({ inputs, tenant }: BackendJob, { inputRoots }: SagemakerConfig): Fault[] {
  const roots = inputRoots?.map(root => ofTenant(root, tenant))
  const faults = Object.entries(inputs).flatMap(([channel, uri]): Fault[] => {
    const pointer = pointerTo('inputs', channel)
    if (!objectUri.test(uri) && !httpsUri.test(uri))
      return [
        {
          pointer,
          detail:
            'SageMaker reads inputs from S3: give the URI of an object or a folder, such as s3://bucket/folder/.'
        }
      ]
    if (lengthOf(uri) > most.uri)
      return [{ pointer, detail: `A URI has at most ${most.uri} characters on SageMaker.` }]
    if (roots && !roots.some(root => uri.startsWith(root)))
      return [{ pointer, detail: roots.length > 0 ? outside(roots) : noRoots }]
    return []
  })
  if (Object.keys(inputs).length >= most.channels)
    faults.push({
      pointer: '/inputs',
      detail: `SageMaker takes at most ${most.channels - 1} input channels beside the project's own.`
    })
  return faults
}

/** The service counts characters, not the halves of surrogate pairs. */
const lengthOf = (text: string) => [...text].length
