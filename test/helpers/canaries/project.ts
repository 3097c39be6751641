/** A project whose program has its secrets, and tells them in every way that programs do. */
import { createHash } from 'node:crypto'
import { pack } from '../project.ts'

/** What the program does when it has printed them. */
export type Mode = 'end' | 'raise' | 'exit' | 'failure' | 'wait'

export const leakingProject = () =>
  pack({
    MLproject: `name: leaking
entry_points:
  main:
    parameters: {mode: string}
    command: python leak.py {mode}
`,
    'leak.py': program
  })

export const missingPackage = 'no-such-package'

/** Its environment is built from the operator's package index, which does not have it. */
export const buildingProject = () =>
  pack({
    MLproject:
      'name: building\npython_env: python_env.yaml\nentry_points:\n  main:\n    command: python -c pass\n',
    'python_env.yaml': `dependencies: [${missingPackage}==4.7.11]\n`
  })

/** The code of its package prints all that it has when it is built, and fails with it. */
export const tellingProject = () =>
  pack({
    MLproject:
      'name: telling\npython_env: python_env.yaml\nentry_points:\n  main:\n    command: python -c pass\n',
    'python_env.yaml': 'dependencies: [./telling]\n',
    'telling/pyproject.toml': `[build-system]
requires = []
build-backend = "tell"
backend-path = ["."]
[project]
name = "telling"
version = "1.0"
`,
    'telling/tell.py': `import json, os, sys, urllib.parse

def build_wheel(*_):
    for value in os.environ.values():
        print("whole", value, repr(value), json.dumps(value), urllib.parse.quote(value, safe=""), flush=True)
        os.write(2, b"split " + value.encode() + b"\\n")
    raise ValueError(f"built with {dict(os.environ)}")
`
  })

/** The variable by which the program knows what has to arrive. */
export const wanted = (values: Record<string, string>) => ({
  WANTED: JSON.stringify(
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        createHash('sha256').update(value).digest('hex')
      ])
    )
  )
})

const program = `import hashlib, json, os, sys, time, urllib.parse

import mlflow

mode = sys.argv[1]
wanted = json.loads(os.environ["WANTED"])
for name, digest in wanted.items():
    assert hashlib.sha256(os.environ[name].encode()).hexdigest() == digest, f"{name} did not arrive"
print("arrived:", len(wanted), flush=True)
values = [os.environ[name] for name in wanted] + [os.environ["MLFLOW_TRACKING_URI"]]
with mlflow.start_run():
    mlflow.log_metric("loss", 1.0)
    mlflow.log_text("kept", "notes.txt")
for value in values:
    print("whole", value, repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), flush=True)
    print(*[quote(value, safe=safe) for quote in (urllib.parse.quote, urllib.parse.quote_plus) for safe in ("", "/")], flush=True)
    half = len(value) // 2
    for stream in (sys.stdout, sys.stderr):
        for piece in ("split " + value[:half], value[half:] + "\\n"):
            stream.write(piece)
            stream.flush()
            time.sleep(0.02)
    for letter in value:
        os.write(1, letter.encode())
    os.write(1, b"\\n")
if mode == "raise":
    raise ValueError(f"with {values}")
if mode == "exit":
    sys.exit(f"ended with {values}")
if mode == "failure":
    with open(os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"), "w") as file:
        file.write(f"failed with {values}")
    sys.exit(3)
if mode == "wait":
    print("waiting", "".join(values), end="", flush=True)
    time.sleep(600)
print("ended", flush=True)
`
