import t from 'tap'
import { hostileZips } from '../../fixtures/archives/hostile-zips.ts'
import { makeRawZip } from '../../helpers/archives.ts'
import { refuse } from '../../helpers/inspect.ts'

for (const [title, archive, detail] of hostileZips) {
  t.test(`refuses ${title}`, async t => {
    const { code, faults } = await refuse(t, await archive())
    t.equal(code, 'SUBMISSION_INVALID')
    t.ok(
      faults.some(fault => fault.pointer === '/project' && detail.test(fault.detail)),
      `says ${detail}: ${JSON.stringify(faults)}`
    )
  })
}

t.test('tells all faults of a zip at once', async t => {
  const { faults } = await refuse(
    t,
    makeRawZip([
      { name: '../a' },
      { name: 'b', flags: 1 },
      { name: 'c', mode: 0o120777 },
      { name: 'd', method: 12 }
    ])
  )
  t.strictSame(
    faults.map(fault => fault.detail),
    [
      'The entry \'../a\' has ".." in its path.',
      "The entry 'b' is encrypted.",
      "The entry 'c' is a symbolic link; only files and folders are taken.",
      "The entry 'd' is compressed by bzip2; only deflate and stored are read."
    ]
  )
})
