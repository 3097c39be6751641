/** Text with a NUL, which no job has, is none to PostgreSQL: what is looked for by it is not found. */
import type { Store } from './index.ts'

type Finding = Pick<Store, 'get' | 'findKey' | 'list' | 'requestStop'>

export const findNothing = <Given extends Finding>(store: Given): Given => ({
  ...store,
  get: (id, tenant) => store.get(id, tenant).catch(or(undefined)),
  findKey: (scope, key) => store.findKey(scope, key).catch(or(undefined)),
  list: query => store.list(query).catch(or([])),
  requestStop: (id, at, tenant) => store.requestStop(id, at, tenant).catch(or(undefined))
})

const notInText = '22021'

const or =
  <Nothing>(nothing: Nothing) =>
  (error: Error & { code?: string }): Nothing => {
    if (error.code !== notInText) throw error
    return nothing
  }
