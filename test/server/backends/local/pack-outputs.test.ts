import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { list } from 'tar'
import { jobFolder } from '../../../../src/server/backends/local/job-folder.ts'
import { packOutputs } from '../../../../src/server/backends/local/pack-outputs.ts'
import { testFolder } from '../../../helpers/folder.ts'

t.test('what an archive cannot hold is left out, in whichever order it comes', async t => {
  for (let n = 0; n < 20; n++) {
    const folder = jobFolder(join(testFolder(t), `job-${n}`))
    const { model } = folder.tree
    await mkdir(model, { recursive: true })
    await writeFile(join(model, `${n}-honest`), 'honest')
    await symlink('honest', join(model, `link-${n}`))
    await execa('mkfifo', [join(model, `${n}-first`), join(model, `last-${n}`)])

    await packOutputs(folder)

    const names: string[] = []
    await list({ file: folder.modelArchive, onReadEntry: ({ path }) => names.push(path) })
    t.same(new Set(names), new Set([`./${n}-honest`, `./link-${n}`]))
  }
})
