import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { errorGuide, errorUri } from '../../src/server/error-guide.ts'
import * as catalogue from '../../src/server/errors.ts'
import { errorsMarkdown, errorsPage } from '../../src/server/errors-page.ts'

t.test('the guide has every error of the catalogue with its status, and no other', async t => {
  const thrown = Object.values(catalogue).map(Class => {
    const { code, statusCode } = new Class([])
    return `${statusCode} ${code}`
  })

  t.same(errorGuide.map(({ status, code }) => `${status} ${code}`).toSorted(), thrown.toSorted())
})

t.test('docs/errors.md is the guide; npm run openapi writes it', async t => {
  const file = join(import.meta.dirname, '../../docs/errors.md')

  t.equal(await readFile(file, 'utf8'), errorsMarkdown())
})

t.test('every code has a place on the page and in the file, with what to do', async t => {
  for (const { code, meaning, remedy } of errorGuide) {
    const anchor = errorUri(code).split('#')[1]
    t.match(errorsPage(), `<h2 id="${anchor}">`)
    t.match(errorsMarkdown(), `<a id="${anchor}"></a>`)
    t.ok(meaning.endsWith('.') && remedy.endsWith('.'), code)
  }
})
