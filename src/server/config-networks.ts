/** Addresses and networks in the configuration. */
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

export const isLoopback = (host: string): boolean =>
  host === 'localhost' ||
  (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'))

const networks = ['loopback', 'linklocal', 'uniquelocal']

export const faultsOfProxies = (text: string): string[] =>
  text
    .split(',')
    .map(one => one.trim())
    .filter(one => !networks.includes(one) && !isNetwork(one))
    .map(
      one =>
        `TRUSTED_PROXIES has ${JSON.stringify(one)}: each must be an address, a network such as 10.0.0.0/8, or one of ${networks.join(', ')}.`
    )

/** All addresses (/0) are no network of proxies: anybody could say who asks. */
function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0 || bits === undefined) return version !== 0
  return Number(bits) > 0 && Number(bits) <= (version === 4 ? 32 : 128)
}
