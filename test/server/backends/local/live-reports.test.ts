import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { runReportFile } from '../../../../src/contract/container.ts'
import { emptyReport } from '../../../../src/contract/empty-report.ts'
import { jobFolder } from '../../../../src/server/backends/local/job-folder.ts'
import { createLiveReports } from '../../../../src/server/backends/local/live-reports.ts'

function stage(t: Test) {
  const place = jobFolder(t.testdir())
  const file = join(place.tree.outputData, runReportFile)
  mkdirSync(place.tree.outputData, { recursive: true })
  return {
    reports: createLiveReports(),
    place,
    file,
    /** As the runtime does. */
    write(text: string) {
      writeFileSync(`${file}.part`, text)
      renameSync(`${file}.part`, file)
    }
  }
}

const withLoss = (loss: number) => JSON.stringify({ ...emptyReport(), metrics: { loss } })

t.test('a report is read when it is there, and again when it was replaced', async t => {
  const { reports, place, write } = stage(t)

  t.equal(await reports.read('job-a', place), undefined)
  write(withLoss(1))
  const first = await reports.read('job-a', place)
  t.same(first?.metrics, { loss: 1 })
  t.equal(await reports.read('job-a', place), first, 'it is not read twice')
  write(withLoss(2))
  t.same((await reports.read('job-a', place))?.metrics, { loss: 2 })
})

for (const [what, text] of [
  ['no JSON', '{"version":'],
  ['no report', '{"version":1,"metrics":{"loss":"low"}}']
] as const)
  t.test(`what the program wrote there and is ${what} counts as none`, async t => {
    const { reports, place, write } = stage(t)
    write(text)

    t.equal(await reports.read('job-a', place), undefined)
  })

t.test('a folder in its place counts as none', async t => {
  const { reports, place, file } = stage(t)
  mkdirSync(file)

  t.equal(await reports.read('job-a', place), undefined)
})

t.test('a FIFO in its place counts as none, and is not waited for', async t => {
  const { reports, place, file } = stage(t)
  await execa('mkfifo', [file])

  t.equal(await reports.read('job-a', place), undefined)
})

t.test('a link in its place is not followed, nor one on the way', async t => {
  const { reports, place, file } = stage(t)
  const other = join(place.path, 'other')
  mkdirSync(other)
  writeFileSync(join(other, runReportFile), withLoss(1))
  symlinkSync(join(other, runReportFile), file)

  t.equal(await reports.read('job-a', place), undefined)

  rmSync(place.tree.outputData, { recursive: true })
  symlinkSync(other, place.tree.outputData)
  t.equal(await reports.read('job-a', place), undefined)
})

t.test('a file without end is not read', async t => {
  const { reports, place, file } = stage(t)
  writeFileSync(file, withLoss(1))
  truncateSync(file, 2 ** 40)

  t.equal(await reports.read('job-a', place), undefined)
})
