import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test(
  'the training image gets the packages that its code imports, at the service’s versions',
  async t => {
    const { dependencies } = JSON.parse(read('src/runtime/package.json'))
    const all = JSON.parse(read('package.json')).dependencies
    const imported = ['src/runtime', 'src/contract', 'src/system']
      .flatMap(folder => readdirSync(join(root, folder)).map(name => join(folder, name)))
      .filter(path => path.endsWith('.ts'))
      .flatMap(path => [
        ...read(path).matchAll(/\b(?:from|import\() ?'((?:@[\w-]+\/)?[a-z][\w-]*)[^:']*'/g)
      ])
      .map(([, name = '']) => name)

    // Files with schemas need it, and the runtime loads none of them (loaded-modules.test.ts).
    const names = [...new Set(imported)].filter(name => name !== 'typebox').sort()
    t.ok(names.length > 0)
    t.strictSame(dependencies, Object.fromEntries(names.map(name => [name, all[name]])))
  }
)
