/** The services' own models, as botocore carries them: operations, and the shapes of what they take. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { execa } from 'execa'

export interface Shape {
  type: string
  required?: string[]
  members?: Record<string, { shape: string }>
  member?: { shape: string }
  key?: { shape: string }
  value?: { shape: string }
  enum?: string[]
  pattern?: string
  min?: number
  max?: number
}

export interface ServiceModel {
  metadata: { targetPrefix: string }
  operations: Record<string, { input?: { shape: string } }>
  shapes: Record<string, Shape>
}

/** Reads the models of SageMaker and of CloudWatch Logs from the environment of an interpreter that has botocore. */
export async function readModels(python: string): Promise<ServiceModel[]> {
  const { stdout: folder } = await execa(python, [
    '-c',
    'import botocore; print(botocore.__path__[0])'
  ])
  return Promise.all(
    ['sagemaker/2017-07-24', 'logs/2014-03-28'].map(name =>
      readModel(join(folder, 'data', name, 'service-2.json'))
    )
  )
}

async function readModel(file: string): Promise<ServiceModel> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'))
  return JSON.parse(gunzipSync(await readFile(`${file}.gz`)).toString())
}
