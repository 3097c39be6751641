import t from 'tap'
import { notArchives } from '../../fixtures/archives/not-archives.ts'
import { refuse } from '../../helpers/inspect.ts'

for (const [what, archive] of notArchives) {
  t.test(`names ${what} as what it seems to be`, async t => {
    const refusal = await refuse(t, archive)
    t.equal(refusal.code, 'NOT_AN_ARCHIVE')
    t.equal(refusal.message, `The project seems to be ${what}; send a tar.gz, a tar or a zip.`)
  })
}
