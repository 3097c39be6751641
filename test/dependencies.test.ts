/** What a production install brings is written down, and runs nothing while it is installed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { productionPackages } from './helpers/production-packages.ts'

const root = join(import.meta.dirname, '..')

t.test(
  'docs/dependencies.md has a reason for each direct dependency, and for no other',
  async t => {
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const page = await readFile(join(root, 'docs/dependencies.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)]
    t.strictSame(
      rows.map(([, name]) => name),
      Object.keys(dependencies).sort()
    )
  }
)

t.test('no package of a production install has an install script', async t => {
  const packages = await productionPackages()
  t.ok(packages.length > 100, 'the lock file was read')
  t.strictSame(
    packages.filter(({ hasInstallScript }) => hasInstallScript),
    []
  )
})

t.test('each package of a production install is named by its hash', async t => {
  for (const { name, integrity } of await productionPackages()) t.match(integrity, /^sha512-/, name)
})
