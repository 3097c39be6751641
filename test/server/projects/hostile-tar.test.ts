import t from 'tap'
import { hostileTars } from '../../fixtures/archives/hostile-tars.ts'
import { makeTar, octal } from '../../helpers/archives.ts'
import { refuse } from '../../helpers/inspect.ts'

for (const [title, archive, detail, options] of hostileTars) {
  t.test(`refuses ${title}`, async t => {
    const { code, faults } = await refuse(t, await archive(), options)
    t.equal(code, 'SUBMISSION_INVALID')
    t.ok(
      faults.some(fault => fault.pointer === '/project' && detail.test(fault.detail)),
      `says ${detail}: ${JSON.stringify(faults)}`
    )
  })
}

t.test('tells all faults of an archive at once', async t => {
  const archive = makeTar([
    { path: '../a\\b' },
    { path: 'c', type: '6' },
    { path: 'd' },
    { path: 'd' },
    { path: 'e', spoil: block => octal(block, 148, 8, 1) }
  ])
  const { faults } = await refuse(t, archive)
  t.strictSame(
    faults.map(fault => fault.detail),
    [
      'The entry \'../a\\b\' has ".." in its path.',
      'The entry \'../a\\b\' has a backslash in its path; "/" separates names.',
      "The entry 'c' is a named pipe; only files and folders are taken.",
      "The entry 'd' is there twice; a name may occur once.",
      "The archive cannot be read beyond 'd': a header has a wrong checksum."
    ]
  )
})

t.test('names a hundred faults and counts the rest', async t => {
  const links = Array.from({ length: 117 }, (_, i) => ({ path: `l${i}`, type: '2' }))
  const { faults } = await refuse(t, makeTar(links))
  t.equal(faults.length, 101)
  t.equal(faults.at(-1)?.detail, 'There are 17 more faults of this kind.')
})

t.test('cuts a name that is shown at 200 characters', async t => {
  const { faults } = await refuse(
    t,
    makeTar([{ path: `../${'n'.repeat(250)}` }], { format: 'gnu' })
  )
  t.equal(faults[0]?.detail, `The entry '../${'n'.repeat(197)}…' has ".." in its path.`)
})

t.test('shows the marks that turn text around', async t => {
  const { faults } = await refuse(t, makeTar([{ path: 'a\u202egpj.py', type: '6' }]))
  t.match(faults[0]?.detail, /^The entry 'a\\u\{202e\}gpj\.py' is a named pipe/)
})
