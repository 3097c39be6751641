import { execa } from 'execa'
import type { JobUser } from './job-user.ts'

/** `name`: a name, or UID:GID. Throws where there is no such user, or this process may not be it. */
export async function findUser(
  name: string,
  setpriv: string | undefined,
  env: Record<string, string>
): Promise<JobUser> {
  const refuse = (why: string) => new Error(`LOCAL_USER is ${name}: ${why}`)
  if (process.getuid?.() !== 0)
    throw refuse('only a service that runs as root can run jobs as another user. Leave it out.')
  if (!setpriv) throw refuse('there is no setpriv on the PATH; it is part of util-linux.')
  const given = /^(\d+):(\d+)$/.exec(name)
  const [uid, gid] = given ? given.slice(1).map(Number) : await askBoth(name, env)
  if (uid === undefined || gid === undefined)
    throw refuse('there is no such user. Name one, or give UID:GID.')
  if (uid === 0) throw refuse('jobs of it would be root. Name a user that has nothing else to do.')
  return { uid, gid, setpriv }
}

const askBoth = (name: string, env: Record<string, string>) =>
  Promise.all(['-u', '-g'].map(option => ask(option, name, env)))

async function ask(option: string, name: string, env: Record<string, string>) {
  const { stdout, failed } = await execa('id', [option, name], {
    env,
    extendEnv: false,
    reject: false
  })
  return failed ? undefined : Number(stdout)
}
