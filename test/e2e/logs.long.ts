/** A log that is followed while it goes from the backend to the storage. */
import t from 'tap'
import { parseEvents, textOf } from '../helpers/events.ts'
import { pack } from '../helpers/project.ts'
import { sagemakerService } from '../helpers/sagemaker-service.ts'
import { testService } from '../helpers/service.ts'

const printing = {
  MLproject: 'entry_points:\n  main:\n    command: python show.py\n',
  'show.py':
    'import time\nfor n in range(60):\n    print(n, "é😀" * 2000, flush=True)\n    time.sleep(0.05)\n'
}

for (const [backend, start] of Object.entries({ local: testService, sagemaker: sagemakerService }))
  t.test(
    `${backend}: followers, one of them slow, and later readers see the same bytes`,
    async t => {
      const service = await start(t)
      const { id } = await service.submit({ project: await pack(printing) })
      const logs = `${service.url}/jobs/${id}/logs`
      const asEvents = { headers: { accept: 'text/event-stream' } }

      const slow = await fetch(logs, asEvents)
      const [plain, events] = await Promise.all([
        fetch(`${logs}?follow=true`).then(answer => answer.text()),
        fetch(logs, asEvents).then(answer => answer.text())
      ])
      const late = await slow.text()
      const whole = await service.log(id)

      t.match(whole, /^59 (é😀){2000}$/m)
      t.ok(plain === whole, 'as text')
      t.ok(textOf(parseEvents(events)) === whole, 'as events')
      t.ok(textOf(parseEvents(late)) === whole, 'as events that were read late')
      t.match(parseEvents(late).at(-1), { event: 'end', data: /"succeeded"/ })
    }
  )
