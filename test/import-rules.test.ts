/** Rooms and doors: the linter's rules, tried on a tree of files that has the folders of src and none of its code. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'

const configuration = join(import.meta.dirname, '../biome.json')

/** What no file of src imports: process is a global. */
const everywhere = ['process', 'node:process']
const aws = '@aws-sdk/client-s3'

const walls: Record<string, string[]> = {
  'contract/any.ts': [
    'fastify',
    aws,
    'execa',
    '../server/errors.ts',
    '../runtime/train.ts',
    '../system/lock.ts'
  ],
  'system/any.ts': [
    'fastify',
    aws,
    '../contract/fault.ts',
    '../runtime/train.ts',
    '../server/errors.ts'
  ],
  'runtime/any.ts': ['fastify', '@fastify/error', aws, '../server/errors.ts'],
  'server/any.ts': [
    'fastify',
    'fastify/types/instance.js',
    '@fastify/multipart',
    aws,
    '../runtime/train.ts',
    './app.ts',
    './service.ts',
    './parts/backend.ts',
    './routes/jobs.ts',
    './jobs/index.ts',
    './store/sql.ts',
    './storage/filesystem.ts',
    './backends/local/index.ts',
    './projects/inspect-archive.ts'
  ],
  'server/main.ts': [
    aws,
    '../runtime/train.ts',
    './routes/jobs.ts',
    './store/sql.ts',
    './storage/filesystem.ts',
    './backends/local/index.ts'
  ],
  'server/service.ts': [
    'fastify',
    'fastify/types/instance.js',
    '@fastify/multipart',
    aws,
    '../runtime/train.ts',
    './main.ts',
    './routes/jobs.ts',
    './callers/key-file.ts',
    './store/sql.ts',
    './storage/filesystem.ts',
    './backends/local/index.ts'
  ],
  'server/parts/any.ts': [
    'fastify',
    '@fastify/multipart',
    aws,
    '../../runtime/train.ts',
    '../app.ts',
    '../service.ts',
    '../http/problem.ts',
    '../routes/jobs.ts',
    '../jobs/index.ts',
    '../projects/index.ts'
  ],
  'server/callers/any.ts': [
    'fastify',
    '@fastify/multipart',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../config-aws.ts',
    '../http/problem.ts',
    '../jobs/index.ts',
    '../routes/jobs.ts',
    '../store/sql.ts'
  ],
  'server/http/any.ts': [
    aws,
    '../../runtime/train.ts',
    '../app.ts',
    '../config.ts',
    '../config-aws.ts',
    '../service.ts',
    '../jobs/index.ts',
    '../routes/jobs.ts',
    '../store/sql.ts'
  ],
  'server/app.ts': [
    aws,
    '../runtime/train.ts',
    './config.ts',
    './config-aws.ts',
    './main.ts',
    './service.ts',
    './store/sql.ts',
    './storage/filesystem.ts',
    './backends/local/index.ts',
    './projects/inspect-archive.ts'
  ],
  'server/routes/any.ts': [
    aws,
    '../../runtime/train.ts',
    '../app.ts',
    '../config.ts',
    '../config-aws.ts',
    '../service.ts',
    '../store/sql.ts',
    '../storage/filesystem.ts',
    '../backends/local/index.ts',
    '../projects/inspect-archive.ts'
  ],
  'server/jobs/any.ts': [
    'fastify',
    '@fastify/multipart',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../config-aws.ts',
    '../routes/schemas.ts',
    '../store/sql.ts',
    '../storage/filesystem.ts',
    '../backends/local/index.ts',
    '../projects/inspect-archive.ts'
  ],
  'server/projects/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../config-aws.ts',
    '../routes/schemas.ts',
    '../jobs/job.ts',
    '../store/index.ts',
    '../storage/index.ts',
    '../backends/index.ts'
  ],
  'server/models/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../config-aws.ts',
    '../routes/schemas.ts',
    '../jobs/job.ts',
    '../store/index.ts',
    '../storage/index.ts',
    '../backends/index.ts',
    '../projects/read-tar.ts'
  ],
  'server/metrics/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../routes/schemas.ts',
    '../http/problem.ts',
    '../jobs/index.ts',
    '../projects/index.ts',
    '../store/sql.ts',
    '../storage/filesystem.ts',
    '../backends/local/index.ts'
  ],
  'server/store/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../config.ts',
    '../config-aws.ts',
    '../routes/schemas.ts',
    '../jobs/index.ts',
    '../projects/index.ts',
    '../storage/index.ts',
    '../storage/filesystem.ts',
    '../backends/local/index.ts'
  ],
  'server/storage/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../routes/schemas.ts',
    '../jobs/index.ts',
    '../projects/index.ts',
    '../store/sql.ts',
    '../backends/index.ts'
  ],
  'server/storage/s3.ts': [
    'fastify',
    '../../runtime/train.ts',
    '../config.ts',
    '../jobs/index.ts',
    '../store/sql.ts',
    '../backends/sagemaker/clients.ts'
  ],
  'server/storage/s3-any.ts': ['fastify', '../../runtime/train.ts', '../store/sql.ts'],
  'server/backends/any.ts': [
    'fastify',
    aws,
    '../../runtime/train.ts',
    '../routes/schemas.ts',
    '../jobs/index.ts',
    '../projects/index.ts',
    '../store/index.ts',
    '../storage/filesystem.ts'
  ],
  'server/backends/local/any.ts': [
    aws,
    '../sagemaker/clients.ts',
    '../../../runtime/train.ts',
    '../../jobs/job.ts',
    '../../store/sql.ts'
  ],
  'server/backends/sagemaker/any.ts': [
    'fastify',
    '../../../runtime/train.ts',
    '../../config.ts',
    '../../jobs/job.ts',
    '../../store/sql.ts',
    '../../storage/s3.ts',
    '../local/job-folder.ts'
  ]
}

const doors: Record<string, string[]> = {
  'runtime/any.ts': ['../contract/fault.ts', '../system/lock.ts'],
  'server/main.ts': ['./config.ts', './service.ts'],
  'server/service.ts': ['./app.ts', './parts/backend.ts', './jobs/index.ts'],
  'server/parts/any.ts': [
    '../config.ts',
    '../callers/key-file.ts',
    '../store/sql.ts',
    '../storage/s3.ts',
    '../backends/local/index.ts',
    '../backends/sagemaker/index.ts'
  ],
  'server/app.ts': ['fastify', './routes/jobs.ts', './jobs/index.ts', './store/index.ts'],
  'server/routes/any.ts': [
    'fastify',
    '../jobs/index.ts',
    '../storage/index.ts',
    '../projects/index.ts'
  ],
  'server/jobs/any.ts': [
    '../store/index.ts',
    '../storage/index.ts',
    '../backends/index.ts',
    '../projects/index.ts'
  ],
  'server/models/any.ts': ['../errors.ts', '../projects/index.ts', '../../contract/run-report.ts'],
  'server/metrics/any.ts': [
    '../jobs/loop.ts',
    '../store/index.ts',
    '../storage/index.ts',
    '../backends/index.ts'
  ],
  'server/store/any.ts': ['./index.ts', '../jobs/job.ts'],
  'server/storage/s3.ts': [aws, '@aws-sdk/lib-storage', './index.ts', '../config-aws.ts'],
  'server/storage/s3-any.ts': [aws],
  'server/backends/local/any.ts': [
    '../index.ts',
    '../../storage/index.ts',
    '../../../contract/fault.ts'
  ],
  'server/backends/sagemaker/any.ts': [
    aws,
    '../index.ts',
    '../log-file.ts',
    '../../config-aws.ts',
    '../../storage/index.ts',
    '../../../contract/fault.ts'
  ]
}

t.test('the linter reports an import through every wall, and none through a door', async t => {
  const files = Object.entries(walls).map(([file, sources]) => ({
    file,
    closed: [...sources, ...everywhere],
    open: doors[file] ?? []
  }))
  const folder = t.testdir({
    '.gitignore': 'node_modules/\n',
    'biome.json': await readFile(configuration)
  })
  for (const { file, closed, open } of files) {
    const lines = [...closed, ...open].map((source, n) => `export * as it${n} from '${source}'\n`)
    await mkdir(join(folder, 'src', dirname(file)), { recursive: true })
    await writeFile(join(folder, 'src', file), lines.join(''))
  }

  const reported = await lint(folder)

  for (const { file, closed, open } of files) {
    const lines = reported.get(`src/${file}`) ?? new Set()
    const seen = [...closed, ...open].filter((_, n) => lines.has(n + 1))
    t.strictSame(seen, closed, file)
  }
})

/** By file, the lines of the imports that are reported. */
async function lint(folder: string): Promise<Map<string, Set<number>>> {
  const rule = ['--only=style/noRestrictedImports', '--max-diagnostics=none', '--reporter=json']
  const options = { cwd: folder, preferLocal: true, localDir: import.meta.dirname, reject: false }
  const { stdout } = await execa('biome', ['lint', ...rule, 'src'], options)
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { location: { path: string; start: { line: number } } }[]
  }
  const reported = new Map<string, Set<number>>()
  for (const { location } of diagnostics) {
    const lines = reported.get(location.path) ?? new Set()
    reported.set(location.path, lines.add(location.start.line))
  }
  return reported
}
