/** The user that jobs run as, where the service is root and the operator names one. */
export interface JobUser {
  uid: number
  gid: number
  /** The path of what starts a program as another user. */
  setpriv: string
}

/** The words that a program's command follows. */
export const asUser = ({ uid, gid, setpriv }: JobUser): string[] => [
  setpriv,
  ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'],
  ...['--bounding-set=-all', '--inh-caps=-all', '--']
]
