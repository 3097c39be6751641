/**
 * YAML as PyYAML's safe_load reads it, which is what MLflow sees. The `yaml` library does the syntax; what a scalar means
 * is decided as PyYAML does, since the two differ (there `y` and `1e-5` are texts, 010 is eight, the last of equal keys wins).
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap
} from 'yaml'
import { resolveScalar, YamlScalarError } from './yaml-scalar.ts'
import type { YamlTimestamp } from './yaml-timestamp.ts'

/** Integers are bigints, floats are numbers. */
export type YamlValue =
  | string
  | bigint
  | number
  | boolean
  | null
  | YamlTimestamp
  | YamlValue[]
  | YamlMap

export type YamlMap = Map<YamlValue, YamlValue>

export interface YamlReading {
  /** Absent where there is a fault; null for a file without content. */
  value?: YamlValue
  /** A clause without full stop, with line and column, such as `line 3, column 5: ...`. */
  fault?: string
  /** Line on which a key of one of the maps stands, from 1. */
  lineOf(map: YamlMap, key: YamlValue): number | undefined
}

/** Characters of one file. Real ones have a few thousand; the parser takes some microseconds for each. */
export const yamlLimit = 128 * 1024

/** Reads one document. Aliases share what they name, as in Python; nothing grows by them. */
export function readYaml(text: string): YamlReading {
  const lines = new Map<YamlMap, Map<YamlValue, number>>()
  const lineOf = (map: YamlMap, key: YamlValue) => lines.get(map)?.get(key)
  try {
    return { value: parse(text, lines), lineOf }
  } catch (error) {
    if (error instanceof YamlFault) return { fault: error.message, lineOf }
    if (error instanceof RangeError) return { fault: 'it nests too deeply', lineOf }
    throw error
  }
}

class YamlFault extends Error {}

const depthLimit = 64
const mergedLimit = 10_000

// What PyYAML's reader refuses, lone surrogates included.
const unacceptable = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

function parse(text: string, lines: Map<YamlMap, Map<YamlValue, number>>): YamlValue {
  if (text.length > yamlLimit) {
    throw new YamlFault(`it is longer than ${yamlLimit / 1024} KiB`)
  }
  const counter = new LineCounter()
  const fail = (offset: number | undefined, detail: string): never => {
    if (offset === undefined) throw new YamlFault(detail)
    const { line, col } = counter.linePos(offset)
    throw new YamlFault(`line ${line}, column ${col}: ${detail}`)
  }
  const document = parseDocument(text, {
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    strict: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: counter
  })
  const [error] = document.errors
  if (error !== undefined) {
    // The parser's recursion has no bound but the stack, and it reports that among the faults of the file.
    const isDepth = error.message.includes('call stack')
    fail(error.pos[0], isDepth ? 'it nests too deeply' : firstLine(error.message))
  }
  const odd = unacceptable.exec(text)
  if (odd !== null) {
    const code = odd[0].codePointAt(0)?.toString(16).padStart(4, '0')
    fail(odd.index, `the character U+${code?.toUpperCase()} may not stand in YAML`)
  }
  return document.contents === null ? null : createReader(lines, counter, fail)(document.contents)
}

const firstLine = (message: string) => message.split('\n', 1)[0] ?? ''

type Fail = (offset: number | undefined, detail: string) => never

function createReader(
  lines: Map<YamlMap, Map<YamlValue, number>>,
  counter: LineCounter,
  fail: Fail
): (node: Node) => YamlValue {
  const anchors = new Map<string, YamlValue | undefined>()
  let merged = 0

  const read = (node: Node, depth: number): YamlValue => {
    if (depth > depthLimit) fail(node.range?.[0], `it nests deeper than ${depthLimit} levels`)
    if (isAlias(node)) return readAlias(node)
    // Undefined until it is whole: an alias inside itself is found.
    if (node.anchor) anchors.set(node.anchor, undefined)
    const value = readWhole(node, depth)
    if (node.anchor) anchors.set(node.anchor, value)
    return value
  }

  const readAlias = (alias: Alias): YamlValue => {
    const value = anchors.get(alias.source)
    if (value !== undefined) return value
    const detail = anchors.has(alias.source) ? 'holds itself' : 'names no anchor before it'
    return fail(alias.range?.[0], `the alias *${alias.source} ${detail}`)
  }

  const readWhole = (node: Node, depth: number): YamlValue => {
    if (isScalar(node)) return readScalar(node)
    if (isMap(node)) {
      checkTag(node, 'map')
      return readMap(node, depth)
    }
    if (isSeq(node)) {
      checkTag(node, 'seq')
      return node.items.map(item => readItem(item, depth))
    }
    return fail(node.range?.[0], 'this cannot be read')
  }

  const readItem = (item: unknown, depth: number): YamlValue => {
    if (item === null) return null
    if (isNode(item)) return read(item, depth + 1)
    return fail(undefined, 'a list holds something that cannot be read')
  }

  const readScalar = (node: Node & { value: unknown; type?: string; source?: string }) => {
    try {
      return resolveScalar(String(node.value), node.type === 'PLAIN', node.tag)
    } catch (error) {
      if (error instanceof YamlScalarError) return fail(node.range?.[0], error.message)
      throw error
    }
  }

  const checkTag = (node: Node, kind: string) => {
    if (node.tag !== undefined && node.tag !== `tag:yaml.org,2002:${kind}`) {
      fail(node.range?.[0], `the tag ${node.tag} is not supported`)
    }
  }

  const readMap = (node: YAMLMap, depth: number): YamlMap => {
    const map: YamlMap = new Map()
    const own: YamlMap = new Map()
    const keyLines = new Map<YamlValue, number>()
    for (const { key, value } of node.items) {
      const offset = isNode(key) ? (key.range?.[0] ?? undefined) : undefined
      const line = offset === undefined ? undefined : counter.linePos(offset).line
      const content = readItem(value, depth)
      if (isNode(key) && isScalar(key) && key.type === 'PLAIN' && key.value === '<<') {
        mergeInto(map, content, offset)
        continue
      }
      const name = readItem(key, depth)
      if (typeof name === 'object' && name !== null) fail(offset, 'a key can only be a scalar')
      own.set(name, content)
      if (line !== undefined) keyLines.set(name, line)
    }
    for (const [name, content] of own) map.set(name, content)
    lines.set(map, keyLines)
    return map
  }

  // Of several merged maps the first wins, and the map's own keys win over all.
  const mergeInto = (map: YamlMap, content: YamlValue, offset: number | undefined) => {
    const sources = Array.isArray(content) ? content.toReversed() : [content]
    for (const source of sources) {
      if (!(source instanceof Map)) return fail(offset, '"<<" merges only maps')
      merged += source.size + 1
      if (merged > mergedLimit) return fail(offset, `"<<" merges more than ${mergedLimit} keys`)
      for (const [name, value] of source) map.set(name, value)
    }
  }

  return node => read(node, 0)
}

const isNode = (value: unknown): value is Node =>
  isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)
