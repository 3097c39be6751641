/**
 * npm run clients: generates clients from openapi.yaml, and uses them as they are to train a project: test/clients holds
 * a folder for each, with its generator's version and a program that is given the service's address and an archive.
 */
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { preparePython } from '../src/server/backends/local/python.ts'
import { readConfig } from '../src/server/config.ts'
import { buildOnce } from '../src/system/build-once.ts'
import { packFolder } from '../test/helpers/project.ts'
import { withTemporaryService } from './temporary-service.ts'
import { cacheFolder } from './training.ts'

const root = join(import.meta.dirname, '..')
const openapi = join(root, 'openapi.yaml')

interface Client {
  name: string
  /** Generates the client in its folder, and answers the command that uses it; or why it cannot be done here. */
  generate(folder: string): Promise<string[] | { missing: string }>
}

const clients: Client[] = [
  { name: 'python', generate: generatePython },
  { name: 'typescript', generate: generateTypescript },
  { name: 'go', generate: generateGo }
]

const work = await mkdtemp(join(tmpdir(), 'mlflow-jobs-clients-'))
try {
  process.exitCode = await withTemporaryService(useAll)
} finally {
  await rm(work, { recursive: true, force: true })
}

async function useAll(url: string): Promise<number> {
  const archive = join(work, 'code.tar.gz')
  const project = await packFolder(join(root, 'test', 'clients', 'project'))
  await writeFile(archive, Buffer.from(await project.arrayBuffer()))
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, generate } of clients) {
    const folder = join(work, name)
    await cp(join(root, 'test', 'clients', name), folder, { recursive: true })
    try {
      const command = await generate(folder)
      if (!Array.isArray(command)) {
        count.skipped += 1
        console.log(`${name}: skipped, ${command.missing}`)
        continue
      }
      const { stdout } = await run(folder, [...command, url, archive])
      count.passed += 1
      console.log(`${name}: ${stdout}`)
    } catch (error) {
      count.failed += 1
      console.log(`${name}: failed. ${(error as Error).message}`)
    }
  }
  console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  return count.failed === 0 ? 0 : 1
}

async function generatePython(folder: string): Promise<string[]> {
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const { python, bin } = await preparePython({
    folder: join(cacheFolder, 'openapi-python-client'),
    requirements: join(folder, 'requirements.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress: text => console.log(`  python: ${text}`)
  })
  await run(folder, [
    ...[join(bin, 'openapi-python-client'), 'generate', '--path', openapi],
    ...['--config', 'openapi-python-client.yaml', '--fail-on-warning'],
    ...['--meta', 'none', '--output-path', 'mlflow_jobs']
  ])
  return [python, 'use.py']
}

/** The packages are installed once for each package-lock.json. */
async function generateTypescript(folder: string): Promise<string[]> {
  const lock = await readFile(join(folder, 'package-lock.json'))
  const { folder: packages } = await buildOnce({
    root: join(cacheFolder, 'openapi-typescript'),
    key: createHash('sha256').update(lock).digest('hex').slice(0, 16),
    async build(place) {
      for (const file of ['package.json', 'package-lock.json'])
        await cp(join(folder, file), join(place, file))
      await run(place, ['npm', 'ci'])
    },
    onWait: () =>
      console.log('  typescript: waiting for another process that installs its packages')
  })
  await symlink(join(packages, 'node_modules'), join(folder, 'node_modules'))
  await run(folder, [process.execPath, 'generate.ts', openapi])
  await run(folder, [join('node_modules', '.bin', 'tsc')])
  return [process.execPath, 'use.ts']
}

async function generateGo(folder: string): Promise<string[] | { missing: string }> {
  const { failed } = await execa('go', ['version'], { reject: false })
  if (failed) return { missing: 'there is no Go on this machine' }
  await mkdir(join(folder, 'client'))
  await run(folder, ['go', 'tool', 'oapi-codegen', '-config', 'oapi-codegen.yaml', openapi])
  await run(folder, ['go', 'vet', './...'])
  return ['go', 'run', '.']
}

function run(cwd: string, [command = '', ...words]: string[]) {
  return execa(command, words, { cwd, timeout: 600_000 })
}
