/** Where a caller's text can stand in a submission, which texts are legal there, and where they come out again. */
import { isTagKey, isTagValue } from '../../../src/contract/tags.ts'

export interface Fields {
  parameters: Record<string, string>
  environment: Record<string, string>
  tags: Record<string, string>
  run: Record<string, unknown>
  inputs: Record<string, string>
  resources: Record<string, unknown>
  [name: string]: unknown
}

/** What a job's program was given, and what was recorded of the job. */
export interface Seen {
  words: string[]
  environment: Record<string, string>
  job: { name: string | null; tags: Record<string, string> }
  run: { name: string; experiment: string; tags: Record<string, string> }
}

export interface Place {
  what: string
  /** A job has only one such text. */
  single?: true
  /** A batch has one for all of its jobs. */
  alone?: true
  /** By the documentation, not by the code that is tried. */
  legal(text: string): boolean
  put(fields: Fields, text: string, slot: string): void
  /** undefined: it did not arrive. */
  read?(seen: Seen, text: string, slot: string): string | undefined
}

const isText = (text: string) => text.isWellFormed() && !text.includes('\0')
const never = () => false

const argument = ({ words }: Seen, name: string) => {
  const at = words.indexOf(`--${name}`)
  return at === -1 ? undefined : words[at + 1]
}

/** `^...$` of the whole text; Python's and JavaScript's `$` differ at a line end. */
const matches = (pattern: RegExp) => (text: string) => pattern.exec(text)?.[0] === text

export const places: Place[] = [
  {
    what: 'value of a declared parameter',
    legal: isText,
    put: ({ parameters }, text, slot) => {
      parameters[`p${slot}`] = text
    },
    read: (seen, _, slot) => argument(seen, `p${slot}`)
  },
  {
    what: 'value of a declared parameter inside of a word',
    legal: isText,
    put: ({ parameters }, text, slot) => {
      parameters[`w${slot}`] = text
    },
    read: (seen, _, slot) =>
      seen.words.find(word => word.startsWith(`w${slot}=`))?.slice(`w${slot}=`.length)
  },
  {
    what: 'value of an undeclared parameter',
    legal: isText,
    put: ({ parameters }, text, slot) => {
      parameters[`undeclared-${slot}`] = text
    },
    read: (seen, _, slot) => argument(seen, `undeclared-${slot}`)
  },
  {
    what: 'URI of a parameter',
    legal: isText,
    put: ({ parameters }, text, slot) => {
      parameters[`u${slot}`] = `s3://bucket/${text}`
    },
    read: (seen, _, slot) => argument(seen, `u${slot}`)?.replace(/^s3:\/\/bucket\//, '')
  },
  {
    what: 'value of a number',
    legal: matches(/[+-]?\d+(\.\d+)?(e\d+)?/),
    put: ({ parameters }, text, slot) => {
      parameters[`n${slot}`] = text
    },
    read: (seen, _, slot) => argument(seen, `n${slot}`)
  },
  {
    what: 'value between quotes of the command',
    legal: matches(/[\w@%+=:,./-]+/),
    put: ({ parameters }, text, slot) => {
      parameters[`q${slot}`] = text
    },
    read: (seen, _, slot) => argument(seen, `q${slot}`)
  },
  {
    what: 'value of an environment variable',
    legal: isText,
    put: ({ environment }, text, slot) => {
      environment[`E${slot}`] = text
    },
    read: (seen, _, slot) => seen.environment[`E${slot}`]
  },
  {
    what: 'value of a tag',
    legal: isTagValue,
    put: ({ tags }, text, slot) => {
      tags[`t${slot}`] = text
    },
    read: ({ job, run }, _, slot) =>
      job.tags[`t${slot}`] === run.tags[`t${slot}`] ? run.tags[`t${slot}`] : undefined
  },
  {
    what: 'name of a parameter',
    legal: text => matches(/[A-Za-z_][A-Za-z0-9_.-]*/)(text) && text.length <= 250,
    put: ({ parameters }, text) => define(parameters, text),
    read: (seen, text) => (argument(seen, text) === '1' ? text : undefined)
  },
  {
    what: 'name of an environment variable',
    legal: matches(/[A-Za-z_][A-Za-z0-9_]*/),
    put: ({ environment }, text) => define(environment, text),
    read: (seen, text) => (seen.environment[text] === '1' ? text : undefined)
  },
  {
    what: 'key of a tag',
    legal: isTagKey,
    put: ({ tags }, text) => define(tags, text),
    read: ({ job }, text) => (job.tags[text] === '1' ? text : undefined)
  },
  {
    what: 'name of the job',
    single: true,
    legal: matches(/[^\p{Cc}\p{Cs}]{1,128}/u),
    put: (fields, text) => {
      fields.name = text
    },
    read: ({ job }) => job.name ?? undefined
  },
  {
    what: 'name of the run',
    single: true,
    legal: matches(/[^\p{Cc}\p{Cs}]{1,250}/u),
    put: ({ run }, text) => {
      run.runName = text
    },
    read: ({ run }) => run.name
  },
  {
    what: 'name of the experiment',
    single: true,
    legal: matches(/[^\p{Cc}\p{Cs}]{1,500}/u),
    put: ({ run }, text) => {
      run.experimentName = text
    },
    read: ({ run }) => run.experiment
  },
  {
    what: 'entry point',
    legal: never,
    put: (fields, text) => {
      fields.entryPoint = text
    }
  },
  {
    what: 'script as entry point',
    legal: never,
    put: (fields, text) => {
      fields.entryPoint = `${text}.py`
    }
  },
  {
    what: 'folder of the project',
    alone: true,
    legal: never,
    put: (fields, text) => {
      fields.path = `folder/${text}`
    }
  },
  {
    what: 'project',
    alone: true,
    legal: never,
    put: (fields, text) => {
      fields.project = text
    }
  },
  {
    what: 'environment manager',
    legal: never,
    put: ({ run }, text) => {
      run.envManager = text
    }
  },
  {
    what: 'ID of the experiment',
    // Whether there is one is seen later: such a job fails.
    legal: matches(/[0-9A-Za-z_-]{1,64}/),
    put: ({ run }, text) => {
      run.experimentId = text
    }
  },
  { what: 'option of the run', legal: never, put: ({ run }, text) => define(run, text) },
  { what: 'resource', legal: never, put: ({ resources }, text) => define(resources, text) },
  {
    what: 'channel',
    legal: never,
    put: ({ inputs }, text) => define(inputs, text, 's3://bucket/data/')
  },
  {
    what: 'URI of a channel',
    legal: never,
    put: ({ inputs }, text) => {
      inputs.train = text
    }
  },
  { what: 'field', legal: never, put: (fields, text) => define(fields, text) }
]

/** Also `__proto__` becomes a member of its own. */
function define(object: object, name: string, value: unknown = '1'): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true
  })
}
