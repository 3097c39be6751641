/** The same MLproject files through MLflow and through us: every difference has its reason in the corpus. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { type Checked, checkSubmission } from '../../src/contract/check-submission.ts'
import { readProject } from '../../src/contract/mlproject.ts'
import { textToken, tokenText } from '../../src/contract/parameters.ts'
import type { EntryPoint, Project } from '../../src/contract/project.ts'
import { corpus, type MlprojectForm } from '../fixtures/mlprojects/corpus.ts'
import { projectFiles } from '../helpers/project-files.ts'
import { python } from '../helpers/python.ts'

interface Described {
  error?: string
  name: string | null
  environment: string | null
  kind: 'python_env' | 'conda_env'
  entryPoints: Record<string, Record<string, { type: string; default: string | null }>>
  runs: { command?: string; error?: string }[]
}

const root = t.testdir()
const folders = corpus.map((form, index) => writeProject(join(root, String(index)), form))
const described = await askMlflow()

corpus.forEach((form, index) => {
  t.test(`we and MLflow agree on ${form.form}`, t => {
    const theirs = described[index]
    const files = projectFiles(contents(form))
    const { project, faults } = readProject('', files)
    if (form.differs !== undefined) {
      t.not(project === undefined, theirs?.error !== undefined, form.differs)
      return t.end()
    }
    t.equal(
      project === undefined,
      theirs?.error !== undefined,
      String(theirs?.error ?? faults[0]?.detail)
    )
    if (project === undefined || theirs === undefined) return t.end()
    t.equal(project.name, theirs.name)
    t.equal(project.environment.file, theirs.environment)
    t.same(describeEntryPoints(project), describeTheirs(project, theirs))
    form.runs?.forEach(({ entryPoint = 'main', parameters = {}, differs }, at) => {
      const tokens = mapValues(parameters, textToken)
      const submission = { entryPoint, parameters: tokens, allowUndeclaredParameters: true }
      const checked = checkSubmission(project, files, submission)
      const run = theirs.runs[at]
      const about = `${entryPoint} ${JSON.stringify(parameters)}: ${run?.error ?? checked.faults[0]?.detail}`
      if (differs !== undefined) {
        t.not(checked.faults.length > 0, run?.error !== undefined, differs)
        return
      }
      t.equal(checked.faults.length > 0, run?.error !== undefined, about)
      if (run?.command === undefined || checked.entryPoint === undefined) return
      t.equal(
        commandLine(checked.entryPoint, checked, parameters, folders[index] ?? ''),
        run.command
      )
    })
    t.end()
  })
})

function contents(form: MlprojectForm): Record<string, string> {
  return { ...form.files, [form.file ?? 'MLproject']: form.text }
}

function writeProject(folder: string, form: MlprojectForm): string {
  for (const [path, text] of Object.entries(contents(form))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

// One process for all: the import takes longer than all the rest.
async function askMlflow(): Promise<Described[]> {
  const cases = corpus.map((form, index) => ({
    folder: folders[index],
    runs: (form.runs ?? []).map(({ entryPoint = 'main', parameters = {} }) => ({
      entryPoint,
      parameters
    }))
  }))
  const script = join(import.meta.dirname, '../fixtures/mlprojects/describe.py')
  // MLflow makes its own files in the folder where it runs.
  const { stdout } = await execa(python(), [script], {
    cwd: root,
    input: JSON.stringify(cases),
    env: { SHELL: 'bash', PYTHONUTF8: '1' }
  })
  const answers: Described[] = JSON.parse(stdout)
  return answers
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function describeEntryPoints(project: Project) {
  return mapValues(project.entryPoints, ({ parameters }) =>
    mapValues(parameters, parameter => ({
      type: parameter.declaredType,
      default: parameter.default === undefined ? null : tokenText(parameter.default)
    }))
  )
}

// A default that MLflow itself refuses is none for us.
function describeTheirs(project: Project, theirs: Described) {
  return Object.fromEntries(
    Object.entries(theirs.entryPoints).map(([entry, parameters]) => [
      entry,
      Object.fromEntries(
        Object.entries(parameters).map(([name, described]) => {
          const ours = project.entryPoints[entry]?.parameters[name]
          const isLocated = described.type === 'path' || described.type === 'uri'
          const refused = isLocated && ours?.default === undefined
          return [name, refused ? { ...described, default: null } : described]
        })
      )
    ])
  )
}

/** The command line as MLflow makes it, from what we read. */
function commandLine(
  entryPoint: EntryPoint,
  checked: Checked,
  given: Record<string, string>,
  folder: string
): string {
  const values = new Map([
    ...Object.entries(mapValues(checked.defaults, tokenText)),
    ...Object.entries(given)
  ])
  Object.values(entryPoint.parameters).forEach(({ name, type }, index) => {
    if (type !== 'path') return
    const path = decodeURIComponent(values.get(name) ?? '')
    // MLflow takes an empty path for something to download, and gets a copy of the project's folder.
    values.set(name, path === '' ? `/storage/param_${index}` : join(folder, path))
  })
  const filled = entryPoint.command.replace(/\{\{|\}\}|\{([^{}]+)\}/g, (written, name?: string) =>
    name === undefined ? written.charAt(0) : quote(values.get(name) ?? '')
  )
  const undeclared = Object.entries(given).filter(
    ([name]) => entryPoint.parameters[name] === undefined
  )
  return [filled, ...undeclared.map(([name, value]) => `--${name} ${quote(value)}`)].join(' ')
}

// Python's shlex.quote.
function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'"'"'`)}'`
}
