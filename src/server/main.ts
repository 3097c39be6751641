/** The process: configuration, listening, signals. */
import closeWithGrace from 'close-with-grace'
import { type Config, readConfig } from './config.ts'
import { createService } from './service.ts'
import { version } from './version.ts'

/** For the loop and the store, when requests have ended or were cut off. */
const endSeconds = 10

const usage = `mlflow-jobs ${version}: runs MLflow projects as training jobs over HTTP.

  npm start            listens on HOST:PORT, by default 127.0.0.1:8080
  npm run dev          the same, started anew when the code changes

It is configured by environment variables: README.md lists them.`

/**
 * A process that the kernel or a C library ends in this way can run nothing any more: caught, such a signal comes for ever,
 * and whoever restarts services that have crashed waits in vain.
 */
const crashes: closeWithGrace.Signals[] = [
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV'
]

await main().catch(error => {
  console.error((error as Error).message)
  process.exitCode = 1
})

async function main(): Promise<void> {
  if (process.argv.slice(2).some(argument => ['--help', '-h'].includes(argument)))
    return console.log(usage)
  if (process.platform === 'win32')
    throw new Error('mlflow-jobs runs on Linux and macOS. On Windows, use it inside WSL 2.')
  const config = readConfig(process.env)
  const service = await createService(config, {
    level: config.logLevel,
    // @fastify/multipart tells at `trace` all that it was given, with the caller's key.
    redact: { paths: ['busboyOptions.headers'], censor: '***' },
    ...(process.stdout.isTTY
      ? { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } }
      : {})
  })
  const closing = closeWithGrace(
    { delay: longestClose(config) * 1000, logger: service.app.log, skip: crashes },
    async ({ signal, err }) => {
      if (err) service.app.log.error({ err }, 'the service stops because of an error')
      // Ctrl-C: a person is done, and wants nothing left but running jobs. SIGTERM: a restart, perhaps.
      const byHand = signal === 'SIGINT'
      const delaySeconds = byHand ? 0 : config.closeDelaySeconds
      await service.close({ keepServer: !byHand, delaySeconds })
    }
  )
  try {
    await service.app.listen({ host: config.host, port: config.port })
  } catch (error) {
    closing.uninstall()
    await service.close({ keepServer: true })
    throw listenError(error as NodeJS.ErrnoException, config)
  }
  service.start()
}

function longestClose({ closeDelaySeconds, closeGraceSeconds }: Config): number {
  return closeDelaySeconds + closeGraceSeconds + endSeconds
}

function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }) {
  if (error.code === 'EADDRINUSE')
    return new Error(
      `Port ${port} of ${host} is in use. Stop what uses it, or set PORT to another.`
    )
  if (error.code === 'EACCES')
    return new Error(`Port ${port} needs more rights. Set PORT to a number above 1023.`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new Error(`${host} is no address of this machine. Set HOST to one, such as 127.0.0.1.`)
  return error
}
