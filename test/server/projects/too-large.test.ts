import t from 'tap'
import { tooLarge } from '../../fixtures/archives/too-large.ts'
import { makeTar } from '../../helpers/archives.ts'
import { refuse } from '../../helpers/inspect.ts'

for (const [title, archive, message, options] of tooLarge) {
  t.test(`refuses ${title}`, async t => {
    const refusal = await refuse(t, await archive(), options)
    t.equal(refusal.code, 'PROJECT_TOO_LARGE')
    t.match(refusal.message, message)
  })
}

t.test('tells of a size before it tells of faults, for it reads no further', async t => {
  const archive = makeTar([{ path: '../a' }, { path: 'b', body: 'x'.repeat(101) }])
  const refusal = await refuse(t, archive, { limits: { unpackedBytes: 100 } })
  t.equal(refusal.code, 'PROJECT_TOO_LARGE')
})
