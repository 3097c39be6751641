/** Projects as people send them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { create } from 'tar'

/** A tar.gz of these files: path -> text. */
export async function pack(files: Record<string, string>): Promise<Blob> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-pack-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    return await packFolder(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

export async function packFolder(folder: string): Promise<Blob> {
  const work = await mkdtemp(join(tmpdir(), 'mlflow-jobs-pack-'))
  try {
    const file = join(work, 'project.tar.gz')
    await create({ cwd: folder, file, gzip: true }, ['.'])
    return new Blob([await readFile(file)])
  } finally {
    await rm(work, { recursive: true })
  }
}

/** A form as curl -F makes it: texts as they are, other values as JSON, blobs as files. */
export function form(fields: Record<string, unknown>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) data.append(name, value, `${name}.tar.gz`)
    else data.append(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return data
}

/** Logs a metric and a file, and then waits to be stopped. */
export const waitingProject = {
  MLproject: 'entry_points:\n  main:\n    command: python wait.py\n',
  'wait.py': `import mlflow, time
with mlflow.start_run():
    mlflow.log_metric("before", 1)
    mlflow.log_text("kept", "notes.txt")
    print("waiting", flush=True)
    time.sleep(600)
`
}

/** Logs, and logs more when the folder has a file of the job's name. */
export const watchedProject = {
  MLproject:
    'name: watched\nentry_points:\n  main:\n    parameters: {folder: string}\n    command: python train.py {folder}\n',
  'train.py': `import mlflow, os, sys, time
with mlflow.start_run():
    mlflow.log_metrics({"loss": 1.0, "gap": float("nan")})
    print("logged", flush=True)
    while not os.path.exists(os.path.join(sys.argv[1], os.environ["TRAINING_JOB_NAME"])):
        time.sleep(0.05)
    mlflow.log_metrics({"loss": 0.5, "late": 1.0})
    print("logged more")
`
}

/** The smallest useful project: one parameter of each common kind. */
export const simpleProject = {
  MLproject: `name: simple
entry_points:
  main:
    parameters:
      alpha: float
      steps: {type: int, default: 3}
      label: {type: string, default: none}
    command: python main.py {alpha} {steps} {label}
  other:
    command: python main.py
`,
  'main.py': 'print("hello")\n'
}
