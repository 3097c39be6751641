/** What of a job's variables must not be seen, and the variables with the values that are kept elsewhere. */
import { shortestGuess, shortestSecret } from '../contract/mask.ts'
import { credentialsIn, looksSecret } from '../contract/secrets.ts'
import type { Settings, Variables } from './settings.ts'

/** Without MLFLOW_JOBS_SECRET_NAMES, as where nobody but an SDK started the container, names are what tells. */
export function secretsIn({ buildVariables, variables, secretNames }: Settings): string[] {
  const all = { ...buildVariables, ...variables }
  return Object.entries(all).flatMap(([name, value]) => [
    ...credentialsIn(value),
    ...(isSecret(name, value) ? [value] : [])
  ])

  function isSecret(name: string, value: string): boolean {
    if (secretNames?.includes(name)) return value.length >= shortestSecret
    // What is for building is the operator's, and nobody has said which of it is a secret.
    const guessed = secretNames === undefined || !(name in variables)
    return guessed && looksSecret(name) && value.length >= shortestGuess
  }
}

export const withSecrets = (settings: Settings, values: Variables): Settings => ({
  ...settings,
  buildVariables: { ...settings.buildVariables, ...values },
  variables: { ...settings.variables, ...values }
})
