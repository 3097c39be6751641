/** npm test: tap, with a training environment and a tracking server; its arguments are tap's. Ends with the result in one line. */
import { rmSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { prepareTestTools, type Training, withTraining } from './training.ts'

const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-tap-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
try {
  await withTraining(test)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

async function test({ python, trackingUri }: Training): Promise<void> {
  const report = join(folder, 'report.tap')
  const tools = await prepareTestTools(text => console.log(`  test tools: ${text}`))
  const { failed, exitCode, shortMessage } = await execa(
    'tap',
    ['run', '--reporter=base', `--output-file=${report}`, ...process.argv.slice(2)],
    {
      preferLocal: true,
      env: {
        PYTHON: python,
        TEST_TOOLS_PYTHON: tools,
        TEST_MLFLOW_TRACKING_URI: trackingUri,
        // Without a terminal its reporter shall write a line a file, and no frames over each other.
        ...(!process.stdout.isTTY && { CI: 'true' })
      },
      stdio: 'inherit',
      reject: false
    }
  )
  const tapText = await readFile(report, 'utf8').catch(() => '')
  const totals = readTotals(tapText)
  const ranNothing = totals.pass + totals.fail === 0
  for (const failure of readFailures(tapText)) console.log(`\n${failure}`)
  if (ranNothing) console.log('\nNo test ran.')
  else if (failed && totals.fail === 0) console.log(`\n${shortMessage}`)
  // A run that ends badly without a failed test, such as a crash of tap, is itself what failed.
  const fail = totals.fail || Number(failed || ranNothing)
  process.exitCode = fail > 0 ? exitCode || 1 : 0
  if (totals.skip > 0) console.log(`\n${totals.skip} skipped`)
  console.log(`\n${totals.pass} passed, ${fail} failed`)
}

/** Of the line that tap itself ends its report with, such as `# { total: 9, pass: 7, fail: 1, skip: 1 }`. */
function readTotals(report: string): { pass: number; fail: number; skip: number } {
  const [line = ''] = report.match(/^# \{ total: .*\}$/gm)?.slice(-1) ?? []
  const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') }
}

/** What failed, each with what tap says of it: at the end, for whoever keeps only that of a log. */
function readFailures(report: string): string[] {
  return report.match(/^( *)not ok .*(?:\n\1 {2}---\n[\s\S]*?\n\1 {2}\.\.\.)?/gm) ?? []
}
