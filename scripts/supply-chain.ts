/** npm run supply-chain: makes a production install, and says what it brings, its advisories, and its list of parts. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { productionPackages } from '../test/helpers/production-packages.ts'

const usage = `npm run supply-chain [-- --sbom FILE]

Makes a production install in a temporary folder, without install scripts, and starts the service's
program from it. Counts its packages, asks the registry for advisories, and makes the list of parts
(SBOM) in the form of CycloneDX; --sbom keeps it.`

const root = join(import.meta.dirname, '..')

const { values } = parseArgs({
  options: { sbom: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
})
if (values.help) console.log(usage)
else {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-production-'))
  try {
    await look(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function look(folder: string): Promise<void> {
  await install(folder)
  const packages = await productionPackages()
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const listed = await listParts(folder)
  const advisories = await audit()
  const missing = packages.filter(({ name }) => !listed.has(name))
  for (const { name } of missing) console.log(`not in the SBOM: ${name}`)
  console.log(
    `supply chain: ${Object.keys(dependencies).length} direct dependencies, ${packages.length} packages, ${missing.length} missing in the SBOM; ${advisories.text}`
  )
  process.exitCode = missing.length + advisories.count === 0 ? 0 : 1
}

/** As Dockerfile.api does it. */
async function install(folder: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'src'])
    await cp(join(root, name), join(folder, name), { recursive: true })
  const words = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund']
  await execa('npm', words, { cwd: folder })
  await execa(process.execPath, [join(folder, 'src/server/main.ts'), '--help'])
}

/**
 * The names in the SBOM, which is that of the production install: from a whole one `npm sbom --omit dev` leaves out
 * also what the service and its tests both need.
 */
async function listParts(cwd: string): Promise<Set<string>> {
  await execa('npm', ['pkg', 'delete', 'devDependencies'], { cwd })
  const { stdout } = await execa('npm', ['sbom', '--sbom-format', 'cyclonedx'], { cwd })
  if (values.sbom) await writeFile(values.sbom, stdout)
  const { components } = JSON.parse(stdout) as { components: { name: string }[] }
  return new Set(components.map(({ name }) => name))
}

/** A registry that does not answer such questions is no fault of the packages. */
async function audit(): Promise<{ count: number; text: string }> {
  const words = ['audit', '--omit=dev', '--json']
  const { stdout, stderr } = await execa('npm', words, { cwd: root, reject: false })
  const answer = readJson(stdout)
  const total = answer?.metadata?.vulnerabilities?.total
  if (total !== undefined) return { count: total, text: `${total} advisories` }
  const [reason = 'no answer'] = /audit \d{3} [^-]+/.exec(stderr) ?? []
  return { count: 0, text: `advisories were not asked for: the registry says "${reason.trim()}"` }
}

function readJson(
  text: string
): { metadata?: { vulnerabilities?: { total?: number } } } | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
