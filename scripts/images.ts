/**
 * npm run images: builds both images and tries them (test/images). Docker does it, unless these say otherwise:
 *
 *   CONTAINER_ENGINE        docker or podman; for `inspect`, `exec` and `volume`
 *   CONTAINER_BUILD         a command that is given a Dockerfile, a tag, and options of `docker build`
 *   CONTAINER_RUN           a command that is given options of `docker run`, an image and its arguments
 *   CONTAINER_RUN_OFFLINE   the same, for a container without a network
 */
import { execa } from 'execa'
import { prepareTestTools } from './training.ts'

const engine = process.env.CONTAINER_ENGINE || 'docker'
const run = process.env.CONTAINER_RUN || `${engine} run --rm`
const images = [
  { file: 'Dockerfile.train', tag: 'mlflow-jobs-train' },
  { file: 'Dockerfile.api', tag: 'mlflow-jobs' },
  { file: 'Dockerfile.api', tag: 'mlflow-jobs:slim', target: 'slim' }
]

for (const image of images) await build(image)
await tryImages()

async function build({ file, tag, target }: (typeof images)[number]): Promise<void> {
  console.log(`\n${tag} from ${file}`)
  const options = target ? ['--target', target] : []
  const [command = '', ...words] = process.env.CONTAINER_BUILD
    ? [...process.env.CONTAINER_BUILD.split(' '), file, tag, ...options]
    : [engine, 'build', '--file', file, '--tag', tag, ...options, '.']
  // Podman's own format has no HEALTHCHECK.
  await execa(command, words, { stdio: 'inherit', env: { BUILDAH_FORMAT: 'docker' } })
  const size = await execa(engine, ['image', 'inspect', '--format', '{{.Size}}', tag])
  console.log(`${tag}: ${Math.round(Number(size.stdout) / 1e6)} MB`)
}

/** One after the other: each of the containers is a whole service or training. */
async function tryImages(): Promise<void> {
  const tools = await prepareTestTools(text => console.log(`  test tools: ${text}`))
  const { exitCode = 1 } = await execa(
    'tap',
    ['run', '--jobs=1', '--timeout=600', 'test/images/api.image.ts', 'test/images/train.image.ts'],
    {
      preferLocal: true,
      stdio: 'inherit',
      reject: false,
      env: { CONTAINER_ENGINE: engine, CONTAINER_RUN: run, TEST_TOOLS_PYTHON: tools }
    }
  )
  process.exitCode = exitCode
}
