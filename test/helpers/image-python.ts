/** The interpreter of the training image, made once on this machine; TEST_IMAGE_PYTHON names another one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder } from '../../scripts/training.ts'
import { preparePython } from '../../src/server/backends/local/python.ts'
import { readConfig } from '../../src/server/config.ts'

const runtime = join(import.meta.dirname, '../../src/runtime')

/** The first call on a machine takes a minute. */
export async function imagePython(): Promise<string> {
  const { TEST_IMAGE_PYTHON } = process.env
  if (TEST_IMAGE_PYTHON) return TEST_IMAGE_PYTHON
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-image-'))
  const requirements = join(folder, 'requirements.txt')
  try {
    const files = ['requirements.txt', 'requirements-image.txt'].map(name => join(runtime, name))
    const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
    await writeFile(requirements, texts.join(''))
    const { python } = await preparePython({
      folder: join(cacheFolder, 'python'),
      requirements,
      environment: { ...jobEnvironment, ...buildEnvironment },
      onProgress: text => console.log(`# image: ${text}`)
    })
    return python
  } finally {
    await rm(folder, { recursive: true })
  }
}
