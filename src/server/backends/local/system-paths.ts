/** What of this machine's system a job behind a wall may read: programs, libraries, and what tells them how the machine is. */
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const programs = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/nix/store'
]

/** Of /etc only what libraries ask for: not passwords, keys, or how services are set up. */
const settings = [
  ...['alternatives', 'ca-certificates', 'crypto-policies', 'fonts', 'group', 'host.conf', 'hosts'],
  ...[
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'localtime',
    'machine-id',
    'mime.types',
    'nsswitch.conf'
  ],
  ...[
    'OpenCL',
    'passwd',
    // Of certificates what is for everybody: their private keys lie beside them.
    ...['pki/tls/certs', 'pki/tls/cert.pem', 'pki/tls/openssl.cnf', 'pki/ca-trust'],
    'protocols',
    'resolv.conf',
    'services',
    ...['ssl/certs', 'ssl/cert.pem', 'ssl/openssl.cnf'],
    'timezone',
    'vulkan'
  ]
]

const cards = /^(nvidia.*|dri|kfd|dxg|accel|davinci.*)$/

export function systemPaths(path: string): string[] {
  const places = path.split(':').filter(place => place.startsWith('/') && existsSync(place))
  const found = [
    ...programs,
    '/sys',
    ...settings.map(name => join('/etc', name)),
    ...places.map(installation)
  ]
  return [...new Set(found)].filter(existsSync)
}

export const systemDevices = (): string[] =>
  readdirSync('/dev')
    .filter(name => cards.test(name))
    .map(name => join('/dev', name))

/** Of a folder of programs: where they are at home, as far as that is known not to be the home of anything else. */
function installation(place: string): string {
  const above = dirname(realpathSync(place))
  const isPyenv = basename(place) === 'shims' && existsSync(join(above, 'versions'))
  return isPyenv || existsSync(join(above, 'conda-meta')) ? above : place
}
