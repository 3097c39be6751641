/** docs/clients.md as its readers would run it: the blocks of each language one after the other. */
import { subscribe } from 'node:diagnostics_channel'
import { cp, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { parse } from 'yaml'
import { python } from '../helpers/python.ts'
import { testService } from '../helpers/service.ts'

const root = join(import.meta.dirname, '../..')
const guide = await readFile(join(root, 'docs/clients.md'), 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text)

const { url: BASE } = await testService(t)

/** Every request that the service is sent. */
const calls: string[] = []
subscribe('http.server.request.start', message => {
  const { method, url } = (message as { request: IncomingMessage }).request
  calls.push(`${method} ${url?.split('?')[0]}`)
})

/** What a call of each operation looks like. */
const operations = Object.entries<object>(
  parse(await readFile(join(root, 'openapi.yaml'), 'utf8')).paths
).flatMap(([path, methods]) =>
  Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`)
)
const parts: Record<string, string> = { id: 'job-[^/]+', digest: 'sha256:[^/]+', path: '.+' }
const isCallOf = (operation: string) => {
  const pattern = operation.replace(/\{(\w+)\}/g, (_, name) => parts[name] ?? name)
  return (call: string) => new RegExp(`^${pattern}$`).test(call)
}

for (const [language, start, command] of [
  ['bash', 'set -euo pipefail\n', ['bash', 'guide.bash']],
  ['python', '', [python(), 'guide.python']],
  ['ts', '', [process.execPath, 'guide.ts']]
] as const)
  t.test(`the guide works in ${language}`, async t => {
    const cwd = t.testdir()
    await cp(join(root, 'examples/wine-quality'), join(cwd, 'wine-quality'), { recursive: true })
    await execa('tar', ['-czf', 'code.tar.gz', '-C', 'wine-quality', '.'], { cwd })
    await writeFile(join(cwd, `guide.${language}`), start + blocks(language).join('\n'))
    const [file, ...words] = command
    calls.length = 0
    const { exitCode, all } = await execa(file, words, {
      cwd,
      env: { BASE },
      all: true,
      reject: false
    })
    t.equal(exitCode, 0, all)
    t.match(all, /succeeded/)
    t.match(all, /rmse/)
    t.match(all, /flavors/, 'the MLmodel file')
    const left = operations.filter(operation => !calls.some(isCallOf(operation)))
    t.same(left, [], 'every operation is called')
  })
