/** AWS's rule of evaluation for policies of one identity: what nothing allows is denied, and a Deny outweighs every Allow. */

export interface Statement {
  Effect: string
  Action: string | string[]
  Resource?: string | string[]
  Condition?: Record<string, Record<string, string | string[]>>
}

export interface Request {
  action: string
  resource: string
  /** Condition keys that the request has. */
  context?: Record<string, string>
}

export function isAllowed(statements: Statement[], request: Request): boolean {
  const applying = statements.filter(statement => applies(statement, request))
  return applying.length > 0 && applying.every(({ Effect }) => Effect === 'Allow')
}

function applies({ Action, Resource, Condition = {} }: Statement, request: Request): boolean {
  const { action, resource, context = {} } = request
  return (
    // Actions are the same in any case; resources are not.
    list(Action).some(it => isLike(it.toLowerCase(), action.toLowerCase())) &&
    list(Resource).some(it => isLike(it, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, context[key], list(values)))
    )
  )
}

const list = (value: string | string[] | undefined): string[] => [value ?? []].flat()

/** `*` is any text, `?` any character. */
function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split(/([*?])/).map(part => {
    if (part === '*') return '.*'
    return part === '?' ? '.' : RegExp.escape(part)
  })
  return new RegExp(`^${parts.join('')}$`, 's').test(text)
}

/** An operator that is not here is one that no policy has had. */
function holds(operator: string, value: string | undefined, wanted: string[]): boolean {
  const name = operator.replace(/IfExists$/, '')
  if (value === undefined) return name !== operator
  if (name === 'StringEquals' || name === 'Bool') return wanted.includes(value)
  if (name === 'StringLike') return wanted.some(it => isLike(it, value))
  throw new Error(`The operator ${operator} is not known here.`)
}
