import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { extract, list } from 'tar'
import type { RunReport } from '../../src/contract/run-report.ts'
import { imagePython } from '../helpers/image-python.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { packFolder } from '../helpers/project.ts'
import { toolsPython } from '../helpers/python.ts'
import { bucket, role, startAll } from './start.ts'

const { emulator, put, get } = await startAll(t, { python: await imagePython() })
const fixtures = join(import.meta.dirname, '../fixtures')
const image = '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1'

/** Without a default bucket the SDK asks for the account, at an address that it makes itself. */
const sdkConfig = `SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
      Session:
        DefaultS3Bucket: ${bucket}
`

async function putProject(name: string): Promise<string> {
  const archive = await packFolder(join(fixtures, 'projects', name))
  await put(`code/${name}.tar.gz`, Buffer.from(await archive.arrayBuffer()))
  return `s3://${bucket}/code/${name}.tar.gz`
}

/** Answers the URIs that a control script ends with. */
async function runControlScript(t: Test, script: string, argument: string): Promise<string[]> {
  const home = t.testdir({ 'sagemaker.yaml': sdkConfig })
  const { stdout } = await execa(
    toolsPython(),
    [join(fixtures, 'control-scripts', script), image, role, argument],
    {
      env: {
        ...emulator.environment,
        HOME: home,
        MLFLOW_TRACKING_URI: await trackingUri(),
        SAGEMAKER_USER_CONFIG_OVERRIDE: join(home, 'sagemaker.yaml'),
        SAGEMAKER_SUPPRESS_V2_WARNING: '1'
      }
    }
  )
  return stdout.split('\n').filter(line => line.startsWith('s3://'))
}

/** Unpacks an object into a folder of the test's. */
async function unpack(t: Test, uri: string): Promise<{ folder: string; paths: string[] }> {
  const key = uri.replace(`s3://${bucket}/`, '')
  const folder = join(t.testdirName, key)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, '../archive')
  writeFileSync(file, (await get(key)) ?? '')
  const paths: string[] = []
  await list({ file, onReadEntry: ({ path }) => void paths.push(path) })
  await extract({ file, cwd: folder })
  return { folder, paths }
}

async function readReport(t: Test, modelUri: string): Promise<RunReport> {
  const { folder } = await unpack(t, modelUri.replace('model.tar.gz', 'output.tar.gz'))
  const { default: report } = await import(join(folder, 'run-report.json'), {
    with: { type: 'json' }
  })
  return report
}

t.test(
  'the control script of the odahu container trains, its model data holds all models',
  async t => {
    const [modelUri = ''] = await runControlScript(t, 'fit.py', await putProject('trains'))
    t.match(modelUri, /^s3:\/\/emulator\/train-.*\/output\/model\.tar\.gz$/)
    const report = await readReport(t, modelUri)
    t.match(report, { exitCode: 0, warnings: [/sagemaker_mlflow_experiment_id/] })
    t.equal(report.models.length, 2)
    const { paths } = await unpack(t, modelUri)
    for (const { path } of report.models) t.ok(paths.includes(`./${path}/MLmodel`), path)
  }
)

t.test('values may be raw or JSON, and options of mlflow run are obeyed', async t => {
  const uri = await putProject('prints-parameters')
  const experiment = 'sagemaker_mlflow_run_experiment-name'
  const variants = [
    {
      sagemaker_submit_directory: uri,
      text: '1.0',
      number: '1e-5',
      [experiment]: 'raw values',
      'sagemaker_mlflow_run_no-conda': 'null'
    },
    {
      sagemaker_submit_directory: JSON.stringify(uri),
      text: JSON.stringify('1.0'),
      number: '1e-5',
      [experiment]: JSON.stringify('JSON values'),
      'sagemaker_mlflow_run_env-manager': JSON.stringify('local')
    }
  ]
  const modelUris = await runControlScript(t, 'fit-several.py', JSON.stringify(variants))
  t.equal(modelUris.length, variants.length)
  for (const [index, experimentName] of ['raw values', 'JSON values'].entries())
    t.match(await readReport(t, modelUris[index] ?? ''), {
      exitCode: 0,
      run: { experimentName },
      params: { text: '1.0', number: '1e-5' },
      environment: { manager: 'local' }
    })
})
