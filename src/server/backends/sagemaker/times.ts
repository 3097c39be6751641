/** How long things wait. */
import type { SagemakerConfig } from '../../config-aws.ts'

export interface Times {
  pollMilliseconds: number
  /** From one ListTrainingJobs to the next: an account has 2 a second, for all its users. */
  paceMilliseconds: number
  /** After a first failed CreateTrainingJob; then twice as long each time. */
  retryMilliseconds: number
  /** When a job is looked at that no list shows; then ever later, up to ten times as late. */
  lookMilliseconds: number
  /** How long after its end a request without an answer may still make a training job. */
  settleMilliseconds: number
  /** How long a training job is looked out for that nobody waits for any more. */
  givenUpMilliseconds: number
  /** How long SageMaker may not know a job before it can count as deleted. */
  goneMilliseconds: number
  /** Jobs that SageMaker made before are looked at one by one. */
  youngMilliseconds: number
  /** When a quota that was used up is tried first; then twice as late each time. */
  quotaMilliseconds: number
  /** After a StopTrainingJob that failed. */
  stopRetryMilliseconds: number
}

const minute = 60_000

export const timesOf = ({ pollSeconds }: SagemakerConfig): Times => ({
  pollMilliseconds: pollSeconds * 1000,
  paceMilliseconds: 700,
  retryMilliseconds: 1_000,
  lookMilliseconds: minute,
  settleMilliseconds: 2 * minute,
  givenUpMilliseconds: 30 * minute,
  goneMilliseconds: 5 * minute,
  youngMilliseconds: 3 * 60 * minute,
  quotaMilliseconds: 10_000,
  stopRetryMilliseconds: 5_000
})
