/** Server-sent events as a browser reads them. */

export interface Event {
  id: string
  event: string
  data: string
}

/** The events of the text; a comment is the event ''. */
export function parseEvents(text: string): Event[] {
  const events: Event[] = []
  let id = ''
  for (const block of text.split('\n\n').filter(Boolean)) {
    const fields = new Map<string, string>()
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? []
      fields.set(name, value)
    }
    id = fields.get('id') ?? id
    if (!fields.has('retry'))
      events.push({ id, event: fields.get('event') ?? '', data: fields.get('data') ?? '' })
  }
  return events
}

/** What the `log` events carry, put together. */
export const textOf = (events: Event[]) =>
  events
    .filter(({ event }) => event === 'log')
    .map(({ data }) => (JSON.parse(data) as { text: string }).text)
    .join('')
