/** The service as a process, with data folders that are none. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'

const main = join(import.meta.dirname, '../../src/server/main.ts')

/** A folder that takes no others, whoever asks: of the kernel on Linux, of the system on macOS. */
const closed = process.platform === 'darwin' ? '/System' : '/proc'

async function isRefused(t: Test, dataDir: string, code: RegExp) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main], {
    env: { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'silent' },
    reject: false,
    timeout: 60_000,
    killSignal: 'SIGKILL'
  })
  t.equal(exitCode, 1)
  const [, said] =
    /^The data folder (.*) Make it writable, or set DATA_DIR to another folder\.$/.exec(stderr) ??
    []
  t.match(said, new RegExp(`^${RegExp.escape(dataDir)} cannot be written \\(${code.source}\\)\\.$`))
  t.equal(stdout, '')
}

t.test('a place that takes no folders is refused, however deep the data folder lies', async t => {
  const code = /EACCES|ENOENT|EPERM|EROFS/
  await isRefused(t, join(closed, 'mlflow-jobs'), code)
  await isRefused(t, join(closed, 'mlflow-jobs/a/b'), code)
})

t.test('a file in the way is refused', async t => {
  const file = join(t.testdir({ file: 'x' }), 'file')
  await isRefused(t, file, /EEXIST/)
  await isRefused(t, join(file, 'data'), /ENOTDIR/)
})

t.test(
  'a folder without permission to write is refused',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async t => {
    const folder = t.testdir({ data: {} })
    await chmod(join(folder, 'data'), 0o500)
    await isRefused(t, join(folder, 'data'), /ERR_SQLITE_ERROR/)
    await isRefused(t, join(folder, 'data/deeper'), /EACCES/)
  }
)
