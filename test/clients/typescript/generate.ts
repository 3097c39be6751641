/** node generate.ts OPENAPI writes schema.d.ts, with Blob for files (openapi-typescript's own example of a transform). */
import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

const [openapi = ''] = process.argv.slice(2)
const blob = ts.factory.createTypeReferenceNode(ts.factory.createIdentifier('Blob'))
const nodes = await openapiTS(pathToFileURL(openapi), {
  defaultNonNullable: false,
  transform: schema => (schema.format === 'binary' ? blob : undefined)
})
await writeFile('schema.d.ts', astToString(nodes))
