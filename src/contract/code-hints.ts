/** What a project's Python files do that decides where its run ends up. */
import { type PythonToken, pythonTokens } from './python-tokens.ts'

export interface CodeHints {
  /** The names in literal calls of `set_experiment("X")`, each once. */
  experiments: string[]
  /** A call of `set_experiment` whose name only the program knows. */
  dynamicExperiment: boolean
  /** A call of `set_tracking_uri`: the program may log elsewhere. */
  setsTrackingUri: boolean
}

/** Reads one Python file. Text that is no Python gives no hints and no error. */
export function readCodeHints(text: string): CodeHints {
  const hints: CodeHints = { experiments: [], dynamicExperiment: false, setsTrackingUri: false }
  if (!text.includes('mlflow')) return hints
  const experiments = new Set<string>()
  const tokens = [...pythonTokens(text)]
  const names = importedNames(tokens)
  tokens.forEach((token, index) => {
    if (token.kind !== 'name' || tokens[index + 1]?.text !== '(') return
    const called = calledFunction(tokens, index, names)
    if (called === 'set_tracking_uri') hints.setsTrackingUri = true
    if (called !== 'set_experiment') return
    const experiment = literalArgument(tokens, index + 2)
    if (experiment === undefined) hints.dynamicExperiment = true
    else experiments.add(experiment)
  })
  return { ...hints, experiments: [...experiments] }
}

interface ImportedNames {
  /** What the module is called: mlflow, or its alias. */
  modules: Set<string>
  /** Functions imported bare: their name here -> their name in mlflow. */
  functions: Map<string, string>
}

function importedNames(tokens: PythonToken[]): ImportedNames {
  const modules = new Set(['mlflow'])
  const functions = new Map<string, string>()
  tokens.forEach((token, index) => {
    if (token.kind !== 'name' || token.text !== 'mlflow') return
    const before = tokens[index - 1]?.text
    const after = tokens[index + 1]?.text
    if (before === 'import' && after === 'as') modules.add(tokens[index + 2]?.text ?? '')
    if (before === 'from' && after === 'import') readImports(tokens, index + 2, functions)
  })
  return { modules, functions }
}

// `a, b as c` or `(a, b as c,)`: line ends are no tokens, so the list ends where no comma follows a name.
function readImports(tokens: PythonToken[], from: number, functions: Map<string, string>): void {
  let at = tokens[from]?.text === '(' ? from + 1 : from
  if (tokens[at]?.text === '*') {
    for (const name of ['set_experiment', 'set_tracking_uri']) functions.set(name, name)
  }
  while (tokens[at]?.kind === 'name') {
    const name = tokens[at]?.text ?? ''
    const renamed = tokens[at + 1]?.text === 'as'
    functions.set(renamed ? (tokens[at + 2]?.text ?? '') : name, name)
    at += renamed ? 3 : 1
    if (tokens[at]?.text !== ',') return
    at++
  }
}

function calledFunction(
  tokens: PythonToken[],
  index: number,
  { modules, functions }: ImportedNames
): string | undefined {
  const name = tokens[index]?.text ?? ''
  const before = tokens[index - 1]?.text
  if (before === 'def') return undefined
  if (before !== '.') return functions.get(name)
  const owner = tokens[index - 2]
  return owner?.kind === 'name' && modules.has(owner.text) ? name : undefined
}

// The text of `"X"` or `experiment_name="X"`, when it is the whole argument.
function literalArgument(tokens: PythonToken[], from: number): string | undefined {
  const named = tokens[from]?.text === 'experiment_name' && tokens[from + 1]?.text === '='
  let at = named ? from + 2 : from
  let text = ''
  for (; tokens[at]?.kind === 'string'; at++) {
    const { prefix, text: part } = tokens[at] ?? { prefix: '', text: '' }
    if (/[bft]/.test(prefix) || (part.includes('\\') && !prefix.includes('r'))) return undefined
    text += part
  }
  const end = tokens[at]
  return text !== '' && end?.kind === 'sign' && /[,)]/.test(end.text) ? text : undefined
}
