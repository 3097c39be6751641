/** node:http that sends a file as everybody does it, but in large pieces. Started as `plain-download.ts FILE PORT`. */
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'

const [file = '', port] = process.argv.slice(2)
createServer((request, response) => {
  if (request.url === '/up') return response.end()
  response.setHeader('content-length', statSync(file).size)
  return createReadStream(file, { highWaterMark: 2 ** 20 }).pipe(response)
}).listen(Number(port), '127.0.0.1')
