/** What the service made is given to the user that jobs run as. */
import { chown } from 'node:fs/promises'
import { execa } from 'execa'
import type { JobUser } from './job-user.ts'

/** Links are given themselves, not what they lead to. */
export async function give(
  paths: string[],
  { uid, gid }: Pick<JobUser, 'uid' | 'gid'>
): Promise<void> {
  await execa('chown', ['-R', '-h', `${uid}:${gid}`, '--', ...paths])
}

/** Of what others made below it nothing changes. */
export const giveAlone = (path: string, { uid, gid }: JobUser) => chown(path, uid, gid)
