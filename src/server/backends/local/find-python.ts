/** Interpreters on this machine, asked for what they are. */
import { execa } from 'execa'

export interface Interpreter {
  /** As text, such as `3.11.7`. */
  version: string
  executable: string
  /** Whether it can make virtual environments. */
  venv: boolean
  /** Versions of what it has installed; null: not installed. */
  mlflow: string | null
  uv: string | null
}

const oldest = 10
/** The newest minor version that the pinned requirements were tried with. */
const newest = 13

const candidates = [
  'python3',
  ...Array.from({ length: newest - oldest + 1 }, (_, n) => `python3.${newest - n}`),
  'python'
]

const orPython = 'or set PYTHON to an interpreter that has mlflow and uv'

/** The first on PATH that can make the training environment; one newer than was tried only where there is no other. */
export async function findPython(environment: Record<string, string>): Promise<Interpreter> {
  const found: Interpreter[] = []
  for (const candidate of candidates) {
    const interpreter = await askPython(candidate, environment)
    if (!interpreter) continue
    found.push(interpreter)
    if (fits(interpreter) && minorOf(interpreter) <= newest) return interpreter
  }
  const fitting = found.find(fits)
  if (fitting) return fitting
  throw new Error(nothingFits(found))
}

/** What the interpreter says of itself; undefined when it cannot be run. */
export async function askPython(
  python: string,
  environment: Record<string, string>
): Promise<Interpreter | undefined> {
  const { failed, stdout } = await execa(python, ['-c', question], {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: 'ignore'
  })
  return failed ? undefined : (JSON.parse(stdout) as Interpreter)
}

export const isTooOld = (interpreter: Interpreter) => minorOf(interpreter) < oldest

export const tooOld = ({ version, executable }: Interpreter) =>
  `Python ${version} (${executable}) is too old: 3.${oldest} or newer is needed.`

/** Runs on Python 2.7 as well; imports nothing of what it asks after. */
const question = `
import json, os, platform, sys
def installed(name):
    try:
        from importlib.metadata import version
        return version(name)
    except Exception:
        return None
try:
    import ensurepip, venv
    makes = True
except ImportError:
    makes = False
print(json.dumps({
    "version": platform.python_version(), "executable": sys.executable, "venv": makes,
    "mlflow": installed("mlflow"), "uv": installed("uv"),
}))
`

const fits = (interpreter: Interpreter) => interpreter.venv && !isTooOld(interpreter)

/** Of Python 2, a number below all of Python 3. */
function minorOf({ version }: Interpreter): number {
  const [major, minor] = version.split('.').map(Number)
  return major === 3 && minor !== undefined ? minor : -1
}

function nothingFits(found: Interpreter[]): string {
  const withoutVenv = found.find(interpreter => !isTooOld(interpreter))
  if (withoutVenv)
    return `Python ${withoutVenv.version} (${withoutVenv.executable}) has no venv module. Install it (on Debian and Ubuntu: apt install python3-venv), ${orPython}.`
  const [old] = found
  if (old) return `${tooOld(old)} Install one, ${orPython}.`
  return `No Python was found: neither ${candidates.slice(0, -1).join(', ')} nor python is on PATH and runs. Install Python 3.${oldest} or newer, ${orPython}.`
}
