/** The parameters of an entry point as a JSON Schema: for forms, for clients, and for checks before anything is sent. */
import { readCommand } from './command.ts'
import { commandFaults, defaultText } from './entry-point.ts'
import { misfit, numberLimit } from './parameter-type.ts'
import { nameFault, parameterLimitBytes } from './parameters.ts'
import type { EntryPoint, Parameter, ParameterType } from './project.ts'

export type JsonSchema = Record<string, unknown>

/**
 * A schema of draft 2020-12 that takes the `parameters` which checkSubmission takes, without
 * `run.allowUndeclaredParameters`. What no schema can say is left to that check: how a number is written (1.0 is no int
 * there), UTF-8 bytes, lone surrogates. Defaults that are numbers are JSON.rawJSON, so that 1.0 stays 1.0.
 */
export function entryPointSchema(entryPoint: EntryPoint): JsonSchema {
  const parameters = Object.values(entryPoint.parameters)
  const { hazards } = readCommand(entryPoint.command, new Set(Object.keys(entryPoint.parameters)))
  const required = parameters.filter(({ default: token }) => token === undefined)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: entryPoint.name,
    type: 'object',
    properties: Object.fromEntries(
      parameters.map(parameter => [
        parameter.name,
        parameterSchema(parameter, hazards.has(parameter.name))
      ])
    ),
    required: required.map(({ name }) => name),
    additionalProperties: false,
    // One that can never run takes nothing.
    ...(commandFaults(entryPoint).length > 0 ? { not: {} } : {})
  }
}

/** `plainOnly`: a value stands where the shell would run what it contains. */
function parameterSchema(parameter: Parameter, plainOnly: boolean): JsonSchema | false {
  const { name, declaredType, description } = parameter
  if (nameFault(name) !== undefined) return false
  const text = defaultText(parameter)
  return {
    $comment: `declared as ${declaredType}`,
    ...(description === undefined ? {} : { description }),
    ...(text === undefined ? {} : { default: defaultValue(parameter.type, text) }),
    ...withDefault(parameter.type, plainOnly, text)
  }
}

/** Numbers as numbers; what the program gets for the default stays as it is written. */
const defaultValue = (type: ParameterType, text: string) =>
  isNumber(type) && jsonNumber.test(text) ? JSON.rawJSON(text) : text

/** A default is always right, also where it fits neither the type nor its place in the command. */
function withDefault(type: ParameterType, plainOnly: boolean, text: string | undefined) {
  const schema = valueSchema(type, plainOnly)
  const fits =
    text === undefined ||
    (misfit(type, text) === undefined && (!plainOnly || new RegExp(plainText).test(text)))
  if (fits || text.includes('\0')) return schema
  const literal = jsonNumber.test(text) || text === 'true' || text === 'false'
  return { anyOf: [schema, { enum: literal ? [text, JSON.rawJSON(text)] : [text] }] }
}

function valueSchema(type: ParameterType, plainOnly: boolean): JsonSchema {
  const schema = { maxLength: parameterLimitBytes, ...valueSchemas[type] }
  if (!plainOnly) return schema
  return schema.pattern === anyText
    ? { ...schema, pattern: plainText }
    : { ...schema, allOf: [{ pattern: plainText }] }
}

const isNumber = (type: ParameterType) => type === 'float' || type === 'int'

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

// The patterns of parameter-type.ts and command.ts, as every dialect of regular expressions reads them alike.
const anyText = '^[^\\x00]*$'
const plainText = '^[A-Za-z0-9_@%+=:,./-]+$'
const digits = '[0-9]+(?:_[0-9]+)*'
const wholeNumber = `^\\s*[-+]?${digits}\\s*$`
const anyNumber = `^\\s*[-+]?(?:(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][-+]?${digits})?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])\\s*$`
const truth =
  '^\\s*(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|[yYnNtTfF10])\\s*$'
const uri = '^[\\x01-\\x20]*[A-Za-z][A-Za-z0-9+.\\t\\r\\n-]*:[^\\x00]*$'

const valueSchemas: Record<ParameterType, JsonSchema & { pattern: string }> = {
  string: { type: ['string', 'number', 'boolean'], pattern: anyText },
  path: { type: ['string', 'number', 'boolean'], pattern: anyText },
  uri: { type: 'string', pattern: uri },
  float: { type: ['number', 'string'], pattern: anyNumber, maxLength: numberLimit },
  int: { type: ['integer', 'string'], pattern: wholeNumber, maxLength: numberLimit },
  boolean: { type: ['boolean', 'integer', 'string'], minimum: 0, maximum: 1, pattern: truth }
}
