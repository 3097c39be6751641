/** Submissions as JSON. */
import type { Fields } from './places.ts'

export const emptyFields = (): Fields => ({
  parameters: {},
  environment: {},
  tags: {},
  run: { allowUndeclaredParameters: true },
  inputs: {},
  resources: {}
})

export const post = (url: string, fields: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields)
  })
