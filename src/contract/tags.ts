/** What tags of jobs may hold: what SageMaker takes, on every backend. */

export const mostTags = 50
const keyUnits = 128
const valueUnits = 256
const text = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

export const isTagKey = (key: string): boolean => isText(key, keyUnits) && key !== ''
export const isTagValue = (value: string): boolean => isText(value, valueUnits)

/** SageMaker never counts more characters than there are UTF-16 units. */
const isText = (given: string, most: number) => given.length <= most && text.test(given)
