/** A job's environment variables: their values, which of them are secrets, and where those are that are kept elsewhere. */
import { Type } from 'typebox'
import { looksSecret } from '../../contract/secrets.ts'

const closed = { additionalProperties: false }

export const EnvironmentValue = Type.Union(
  [
    Type.String(),
    Type.Object(
      {
        value: Type.String(),
        secret: Type.Optional(
          Type.Boolean({
            description:
              'true: it is shown nowhere, and not kept when the job has ended. false: it is no secret, whatever its name.'
          })
        )
      },
      closed
    ),
    Type.Object(
      {
        valueFrom: Type.String({
          description:
            'Where the job finds the value: a file of the service’s machine, or the ARN of a secret in AWS Secrets Manager.',
          examples: ['file:///run/secrets/token']
        })
      },
      closed
    )
  ],
  {
    $id: 'EnvironmentValue',
    description: 'A text; a text that is a secret; or where a secret is kept.'
  }
)
export type EnvironmentValue = Type.Static<typeof EnvironmentValue>

/** As it is recorded: what was a secret is gone when the job has ended. */
type RecordedValue = EnvironmentValue | { secret: true }

export type RecordedEnvironment = Record<string, RecordedValue>

/** The values that the service has. */
export const literalsOf = (environment: RecordedEnvironment): Record<string, string> =>
  collect(environment, value =>
    typeof value === 'string' ? value : 'value' in value ? value.value : undefined
  )

/** Where the others are. */
export const referencesOf = (environment: RecordedEnvironment): Record<string, string> =>
  collect(environment, value =>
    typeof value === 'object' && 'valueFrom' in value ? value.valueFrom : undefined
  )

/** Those that are marked, and those that look like one and are not said to be none. */
export const secretNamesOf = (environment: RecordedEnvironment): string[] =>
  Object.entries(environment)
    .filter(([name, value]) => isSecret(name, value))
    .map(([name]) => name)

export const markedNamesOf = (environment: RecordedEnvironment): string[] =>
  Object.keys(environment).filter(name => isMarked(environment[name] ?? ''))

const isMarked = (value: RecordedValue): boolean =>
  typeof value === 'object' && 'secret' in value && value.secret === true

/** Without the secrets that were marked as such. */
export const withoutSecrets = (environment: RecordedEnvironment): RecordedEnvironment =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      isMarked(value) ? { secret: true } : value
    ])
  )

function isSecret(name: string, value: RecordedValue): boolean {
  if (isMarked(value)) return true
  if (typeof value === 'object' && ('valueFrom' in value || value.secret === false)) return false
  return looksSecret(name)
}

const collect = (
  environment: RecordedEnvironment,
  pick: (value: RecordedValue) => string | undefined
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => {
      const picked = pick(value)
      return picked === undefined ? [] : [[name, picked]]
    })
  )
