/** Each job waits for what its processes load: no library is among it but those that they need. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { testFolder } from '../helpers/folder.ts'

const source = join(import.meta.dirname, '../../src')

/** Prints what is imported by its name, and by whom. */
const telling = `import { registerHooks } from 'node:module'
registerHooks({
  resolve(specifier, context, next) {
    console.log(specifier, context.parentURL)
    return next(specifier, context)
  }
})
`

/** The libraries that the sources themselves import when this is run. */
async function librariesOf(t: Test, file: string, given: string) {
  const hooks = join(testFolder(t), 'hooks.mjs')
  await writeFile(hooks, telling)
  const { stdout } = await execa(process.execPath, ['--import', hooks, file, given], {
    lines: true,
    reject: false
  })
  const own = stdout.flatMap(line => {
    const [specifier = '', parent = ''] = line.split(' ')
    return parent.includes('/src/') && /^[@a-z]/.test(specifier) ? [specifier] : []
  })
  return [...new Set(own.filter(name => !name.startsWith('node:')))].sort()
}

t.test('a runtime loads the libraries that its package names', async t => {
  const { dependencies } = JSON.parse(await readFile(join(source, 'runtime/package.json'), 'utf8'))

  t.strictSame(
    await librariesOf(t, join(source, 'runtime/main.ts'), 'load'),
    Object.keys(dependencies)
  )
})

t.test('a supervisor loads those that pack what a job leaves', async t => {
  const main = join(source, 'server/backends/local/supervise.ts')

  t.strictSame(await librariesOf(t, main, join(testFolder(t), 'none')), ['p-map', 'tar'])
})
