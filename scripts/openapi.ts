/** npm run openapi: writes openapi.yaml from the routes' own schemas, and docs/errors.md from the error guide. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../src/server/config.ts'
import { errorsMarkdown } from '../src/server/errors-page.ts'
import { createService } from '../src/server/service.ts'

const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-openapi-'))
try {
  const service = await createService(readConfig({ DATA_DIR: folder }), false)
  await service.app.ready()
  const file = join(import.meta.dirname, '..', 'openapi.yaml')
  await writeFile(file, service.app.swagger({ yaml: true }))
  await service.close({ keepServer: false })
  console.log(`${file} is written.`)
  const page = join(import.meta.dirname, '..', 'docs', 'errors.md')
  await writeFile(page, errorsMarkdown())
  console.log(`${page} is written.`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
