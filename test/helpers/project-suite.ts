/** What every store must do for projects that are removed when no job needs them, whichever of two services asks. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Store } from '../../src/server/store/index.ts'
import { aJob } from './job-record.ts'

const digest = aJob().project.digest
const project = { tenant: aJob().tenant, digest }
const key = {
  ...{ scope: 'a', key: 'k', fingerprint: 'f', answer: 'A' },
  createdAt: '2026-02-03T04:05:06.789Z'
}

/** `makeStores`: of the same jobs, empty; both may be one. */
export function projectSuite(t: Test, makeStores: (t: Test) => Promise<[Store, Store]>): void {
  t.test('inserts nothing, and takes no key, where the project is not there', async t => {
    const [store] = await makeStores(t)
    const gone = new Error('It is gone.')
    await t.rejects(
      store.insert(aJob(), key, () => Promise.reject(gone)),
      gone
    )
    t.equal(await store.get(aJob().id), undefined)
    t.equal(await store.findKey('a', 'k'), undefined)
    t.equal(await store.insert(aJob(), key, async () => {}), true)
    t.equal(await store.insert(aJob({ id: 'B' }), key, async () => {}), false)
  })

  t.test('acts on a project only where no job of its tenant has it', async t => {
    const [store, other] = await makeStores(t)
    let acts = 0
    const act = async () => ++acts > 0
    t.equal(await store.ifUnused(project, act), true)
    await store.insert(aJob({ id: 'A', tenant: 'another' }))
    await store.insert(aJob({ id: 'B', project: { ...aJob().project, digest: 'sha256:other' } }))
    t.equal(await other.ifUnused(project, act), true)
    t.equal(acts, 2)
    await store.insert(aJob({ id: 'C', status: 'failed' }))
    t.equal(await other.ifUnused(project, act), false)
    t.equal(acts, 2)
    t.equal(await store.ifUnused({ ...project, digest: 'sha256:none' }, async () => false), false)
    await t.rejects(
      store.ifUnused({ ...project, digest: 'sha256:none' }, () => Promise.reject(new Error('no'))),
      { message: 'no' }
    )
  })

  t.test('a job that comes while its project is removed finds it gone', async t => {
    const [one, two] = await makeStores(t)
    const { promise: removal, resolve: remove } = Promise.withResolvers<boolean>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    let isThere = true
    const removing = one.ifUnused(project, async () => {
      begin()
      isThere = !(await removal)
      return true
    })
    await begun
    const inserting = two.insert(aJob(), undefined, async () => {
      if (!isThere) throw new Error('It is gone.')
    })
    const refused = t.rejects(inserting, { message: 'It is gone.' })
    const other = aJob({ id: 'B', project: { ...aJob().project, digest: 'sha256:other' } })
    await two.insert(other, undefined, async () => {})
    remove(true)
    t.equal(await removing, true)
    await refused
    t.equal(await one.get(aJob().id), undefined)
    t.ok(await one.get('B'), 'others do not wait for it')
  })

  t.test('a project is not removed once a job has found it there', async t => {
    const [one, two] = await makeStores(t)
    const { promise: seen, resolve: see } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const inserting = one.insert(aJob(), undefined, async () => {
      begin()
      await seen
    })
    await begun
    const removing = two.ifUnused(project, async () => true)
    await turn()
    see()
    t.equal(await inserting, true)
    t.equal(await removing, false)
  })

  t.test('a project is not removed while it is looked at', async t => {
    const [one, two] = await makeStores(t)
    const steps: string[] = []
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const looking = one.whileKept(project, async () => {
      begin()
      // An answer of the database: whoever does not wait is sooner.
      for (let n = 0; n < 5; n++) await one.get('nobody')
      steps.push('looked')
      return 7
    })
    await begun
    await two.ifUnused(project, async () => steps.push('removed') > 0)
    t.equal(await looking, 7)
    t.same(steps, ['looked', 'removed'])
  })

  t.test('whatever comes together, no job is left without its project', async t => {
    const stores = await makeStores(t)
    for (let round = 0; round < 10; round++) {
      let isThere = true
      const remove = async () => {
        isThere = false
        return true
      }
      const acts = Array.from({ length: 8 }, async (_, n) => {
        const store = stores[n % 2] as Store
        if (n % 4 < 2) return store.ifUnused(project, remove)
        const id = `${round}-${n}`
        return store
          .insert(aJob({ id }), undefined, async () => {
            await turn()
            if (!isThere) throw new Error('It is gone.')
          })
          .then(
            () => id,
            () => undefined
          )
      })
      const inserted = (await Promise.all(acts)).filter(id => typeof id === 'string')
      t.ok(isThere || inserted.length === 0, `${inserted.length} jobs, project there: ${isThere}`)
      for (const id of inserted) await stores[0].remove(id)
    }
  })
}
