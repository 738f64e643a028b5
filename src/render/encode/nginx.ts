import { PortiereError } from '../../errors.ts';
import type { Encoded } from '../fill.ts';

/** Text that is safe in a configuration of nginx, where quotes do not stop `$name` and there is no escape for it. */
export type NginxText = Encoded<'nginx'>;

const hostName =
  /^(?=.{1,253}$)[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?)*$/i;

/** A host name, in lower case as nginx compares it. */
export function nginxHost(text: string, thing: string): NginxText {
  return accepted(hostName.test(text), text.toLowerCase(), { thing, expected: 'a host name' });
}

/** A port from 1 to 65535. */
export function nginxPort(port: number, thing: string): NginxText {
  return accepted(isWhole(port, 1, 65_535), String(port), { thing, expected: 'a port' });
}

/** What follows `listen`; of HTTP/2 the form that nginx 1.22 and 1.28 both take. */
export function nginxListen(
  port: number,
  { tls, isDefault }: { readonly tls: boolean; readonly isDefault: boolean },
): NginxText {
  const words = [nginxPort(port, 'a port of the proxy'), ...(tls ? ['ssl', 'http2'] : [])];
  return [...words, ...(isDefault ? ['default_server'] : [])].join(' ') as NginxText;
}

/** What follows the host of an address: nothing for the HTTPS port itself. */
export function nginxHttpsPort(port: number, thing: string): NginxText {
  return port === 443 ? nginxWords('') : (`:${nginxPort(port, thing)}` as NginxText);
}

/** An absolute path of plain characters. */
export function nginxPath(text: string, thing: string): NginxText {
  return accepted(/^\/[\w./@+,=%-]*$/.test(text), text, { thing, expected: 'a plain absolute path' });
}

/** Bytes of a size, in whole kibibytes. */
export function nginxSize(bytes: number, thing: string): NginxText {
  return accepted(isWhole(bytes / 1024, 1, 2 ** 40), `${bytes / 1024}k`, { thing, expected: 'a size' });
}

/** A count of at least one. */
export function nginxCount(count: number, thing: string): NginxText {
  return accepted(isWhole(count, 1, 1024), String(count), { thing, expected: 'a small whole number' });
}

/** Words of our own: nothing, any host name, the one that was asked for. */
export function nginxWords(words: '' | '_' | '$host'): NginxText {
  return words as string as NginxText;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function accepted(
  fits: boolean,
  text: string,
  { thing, expected }: { readonly thing: string; readonly expected: string },
): NginxText {
  if (fits) return text as NginxText;
  throw new PortiereError('CONFIG_INVALID', `${thing} must be ${expected} to be written for nginx.`, {
    hint: 'Change it in the configuration; nothing was written.',
    problems: [{ path: thing, reason: `must be ${expected}` }],
  });
}
