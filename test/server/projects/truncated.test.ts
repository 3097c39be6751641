import t from 'tap'
import { truncated } from '../../fixtures/archives/truncated.ts'
import { refuse } from '../../helpers/inspect.ts'

for (const [title, archive, says] of truncated) {
  t.test(`refuses ${title}`, async t => {
    const { message, faults } = await refuse(t, await archive())
    t.match([message, ...faults.map(fault => fault.detail)].join(' '), says)
  })
}
