/** Which variables hold secrets, as far as their names and values tell. */

const secretName =
  /SECRET|TOKEN|PASS|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEY$|(^|_)(PAT|DSN|AUTH|COOKIE|WEBHOOK)(_|$)/i

export const looksSecret = (name: string): boolean => secretName.test(name)

/** Up to the last `@` of the authority; one that stands behind a `?` or `#` counts where there is none before. */
const credentials = /(:\/\/)([^/?#\s]*|[^/@\s]*)@/g

/** A user's name and password in a URI. */
export const hideCredentials = (text: string): string => text.replace(credentials, '$1***@')

/**
 * The passwords in a text's URIs, as they are written and as they are meant; a name without one is a token. In a text of
 * several things the first `@` may be a password's end, too.
 */
export const credentialsIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(credentials)]
      .flatMap(([, , user = '']) => [user, user.slice(0, user.search(/@|$/))])
      .map(user => user.slice(user.indexOf(':') + 1))
      .flatMap(password => [password, decoded(password)])
  )
]

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What the runtime is told of where a variable's value is: this and the variable's name. */
export const secretFromPrefix = 'MLFLOW_JOBS_SECRET_FROM_'

/** What tells the runtime which variables hold secrets; without it their names do. */
export const secretNamesVariable = 'MLFLOW_JOBS_SECRET_NAMES'

/** A secret in AWS Secrets Manager. */
export const secretArn =
  /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[A-Za-z0-9/_+=.@-]+$/
