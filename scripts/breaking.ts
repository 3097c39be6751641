/** npm run breaking: fails where openapi.yaml takes something from clients of the last release. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'

const usage = `npm run breaking [-- --since TAG]

Compares openapi.yaml with that of the newest tag v*, or of the one that is named (any commit will
do), by oasdiff, which is built by Go. What a release may break is said in CHANGELOG.md.`

const oasdiff = 'github.com/oasdiff/oasdiff@v1.36.0'
const root = join(import.meta.dirname, '..')

const { values } = parseArgs({
  options: { since: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
})
if (values.help) console.log(usage)
else process.exitCode = await compare(values.since ?? (await newestTag()))

async function newestTag(): Promise<string | undefined> {
  const newest = ['describe', '--tags', '--abbrev=0', '--match', 'v*']
  const { failed, stdout } = await execa('git', newest, { cwd: root, reject: false })
  return failed ? undefined : stdout
}

async function compare(tag: string | undefined): Promise<number> {
  if (tag === undefined) return say('There is no release yet, so nothing can break.')
  const { failed } = await execa('go', ['version'], { reject: false })
  if (failed) return say('Skipped: there is no Go to build oasdiff with.')
  const { stdout: released } = await execa('git', ['show', `${tag}:openapi.yaml`], { cwd: root })
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-breaking-'))
  try {
    const file = join(folder, 'openapi.yaml')
    await writeFile(file, released)
    const words = ['breaking', '--fail-on', 'ERR', file, join(root, 'openapi.yaml')]
    const { exitCode = 1 } = await execa('go', ['run', oasdiff, ...words], {
      cwd: folder,
      stdio: 'inherit',
      reject: false
    })
    return exitCode === 0 ? say(`Nothing that ${tag} has is broken.`) : exitCode
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function say(text: string): number {
  console.log(text)
  return 0
}
