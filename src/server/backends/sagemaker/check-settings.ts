/** What of the operator's settings SageMaker would refuse at every job. Others are checked where they are read. */
import { TrainingInstanceType } from '@aws-sdk/client-sagemaker'
import { didYouMean } from '../../../contract/nearest.ts'
import { isTagKey, isTagValue, mostTags } from '../../../contract/tags.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import { jobTag } from './create-request.ts'

/** Beside the service's own. */
const mostOwnTags = mostTags - 1
const mostMetrics = 40

/** Sentences, each with the variable's name. */
export const checkSettings = ({ defaults, tags, metrics }: SagemakerConfig): string[] => [
  ...checkInstanceType(defaults.instanceType),
  ...checkTags(tags),
  ...checkMetrics(metrics)
]

function checkInstanceType(instanceType: string): string[] {
  const types: string[] = Object.values(TrainingInstanceType)
  if (types.includes(instanceType)) return []
  const hint = didYouMean(instanceType, types, '; a type is such as ml.m5.xlarge.')
  return [
    `SAGEMAKER_INSTANCE_TYPE is ${JSON.stringify(instanceType)}: SageMaker trains on none${hint}`
  ]
}

function checkTags(tags: Record<string, string>): string[] {
  const faults = Object.entries(tags).flatMap(([key, value]) => {
    const tag = `SAGEMAKER_TAGS has ${JSON.stringify(key)}`
    if (/^aws:/i.test(key)) return [`${tag}: tags that begin with "aws:" are for AWS alone.`]
    if (key === jobTag) return [`${tag}: the service sets it itself.`]
    if (isTagKey(key) && isTagValue(value)) return []
    return [
      `${tag}: a key has 1 to 128 characters and a value at most 256, all of them letters, digits, spaces or _.:/=+-@.`
    ]
  })
  const count = Object.keys(tags).length
  if (count > mostOwnTags)
    faults.push(`SAGEMAKER_TAGS has ${count} tags: there may be ${mostOwnTags} at most.`)
  return faults
}

function checkMetrics(metrics: Record<string, string>): string[] {
  const faults = Object.entries(metrics).flatMap(([name, expression]) =>
    isText(name, 255) && isText(expression, 500)
      ? []
      : [
          `SAGEMAKER_METRICS has ${JSON.stringify(name)}: a name has 1 to 255 characters, and a regular expression 1 to 500.`
        ]
  )
  const count = Object.keys(metrics).length
  if (count > mostMetrics)
    faults.push(`SAGEMAKER_METRICS has ${count} metrics: there may be ${mostMetrics} at most.`)
  return faults
}

const isText = (text: string, most: number) => text !== '' && [...text].length <= most
