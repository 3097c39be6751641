/** The user that jobs run as, where the service is root and the operator names one. */
import { chown } from 'node:fs/promises'
import { execa } from 'execa'

export interface JobUser {
  uid: number
  gid: number
  /** The path of what starts a program as another user. */
  setpriv: string
}

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

/** The words that a program's command follows. */
export const asUser = ({ uid, gid, setpriv }: JobUser): string[] => [
  setpriv,
  ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'],
  ...['--bounding-set=-all', '--inh-caps=-all', '--']
]

/** Links are given themselves, not what they lead to. */
export async function give(
  paths: string[],
  { uid, gid }: Pick<JobUser, 'uid' | 'gid'>
): Promise<void> {
  await execa('chown', ['-R', '-h', `${uid}:${gid}`, '--', ...paths])
}

/** Of what others made below it nothing changes. */
export const giveAlone = (path: string, { uid, gid }: JobUser) => chown(path, uid, gid)

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
