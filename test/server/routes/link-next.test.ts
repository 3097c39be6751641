import Fastify from 'fastify'
import t from 'tap'
import { linkNext } from '../../../src/server/routes/link-next.ts'

const pages: [url: string, nextCursor: string | null, link: string | undefined][] = [
  ['/jobs', 'b', '</jobs?cursor=b>; rel="next"'],
  [
    '/jobs?status=failed&status=queued&cursor=a&limit=2',
    'b',
    '</jobs?status=failed&status=queued&cursor=b&limit=2>; rel="next"'
  ],
  ['/jobs?tag=team:a%20b', 'b', '</jobs?tag=team%3Aa+b&cursor=b>; rel="next"'],
  ['/jobs?name=what?&limit=1', 'b', '</jobs?name=what%3F&limit=1&cursor=b>; rel="next"'],
  ['/jobs?cursor=a', null, undefined]
]
for (const [url, nextCursor, link] of pages)
  t.test(`${url} leads to ${link ?? 'nothing'}`, async t => {
    const app = Fastify()
    app.get('/jobs', async (request, reply) => linkNext(request, reply, nextCursor))

    const response = await app.inject(url)

    t.equal(response.headers.link, link)
  })
