import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { Duplex } from 'node:stream';

import type { Endpoint, Environment } from './docker-endpoint.ts';
import { openPipe } from './shell.ts';

/** Options of the API client; every one is named, since the client fills those left out from DOCKER_HOST. */
export interface Transport {
  readonly socketPath: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly protocol: 'http' | 'https';
  readonly agent: Agent | undefined;
  readonly username: undefined;
  readonly ca: undefined;
  readonly cert: undefined;
  readonly key: undefined;
}

const none = { username: undefined, ca: undefined, cert: undefined, key: undefined } as const;

/** How the API client gets to an endpoint: a socket, TCP with or without TLS, or the `ssh` program. */
export function transportTo(endpoint: Endpoint, env: Environment): Transport {
  const { url, tls } = endpoint;
  const socket = /^(?:unix|npipe):\/\/(.*)$/.exec(url)?.[1];
  if (socket !== undefined) {
    return {
      ...none,
      socketPath: socket,
      host: undefined,
      port: undefined,
      protocol: 'http',
      agent: undefined,
    };
  }
  if (url.startsWith('ssh:')) {
    const agent = sshAgent(url, env);
    return { ...none, socketPath: undefined, host: 'http://engine', port: '80', protocol: 'http', agent };
  }
  const protocol = tls === undefined ? 'http' : 'https';
  const { hostname, port, pathname } = new URL(url.replace(/^\w+:/, 'http:'));
  return {
    ...none,
    socketPath: undefined,
    host: `${protocol}://${hostname}${pathname === '' ? '/' : pathname}`,
    port: port || (tls === undefined ? '2375' : '2376'),
    protocol,
    agent: tls === undefined ? undefined : secureAgent(tls),
  };
}

function secureAgent(tls: NonNullable<Endpoint['tls']>): SecureAgent {
  const pem = (file: string | undefined): { pem?: Buffer } =>
    file === undefined ? {} : { pem: readFileSync(file) };
  const [ca, cert, key] = [pem(tls.ca).pem, pem(tls.cert).pem, pem(tls.key).pem];
  return new SecureAgent({
    keepAlive: true,
    rejectUnauthorized: tls.verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
}

/** As the `docker` program does it: each connection is an `ssh` that runs `docker system dial-stdio` over there. */
function sshAgent(url: string, env: Environment): Agent {
  const agent = new Agent({ keepAlive: true });
  return Object.assign(agent, {
    createConnection: () => asSocket(openPipe('ssh', sshArguments(url), env)),
  });
}

/** A prompt for a password would hang a command that nobody watches, hence BatchMode. */
export function sshArguments(url: string): string[] {
  const { username, hostname, port } = new URL(url);
  return [
    '-T',
    '-oConnectTimeout=10',
    '-oBatchMode=yes',
    ...(username === '' ? [] : ['-l', decodeURIComponent(username)]),
    ...(port === '' ? [] : ['-p', port]),
    '--',
    hostname.replaceAll(/^\[|\]$/g, ''),
    'docker',
    'system',
    'dial-stdio',
  ];
}

/** HTTP asks its connections for what only a socket has; a pipe has no use for it. */
function asSocket(pipe: Duplex): Duplex {
  const nothing = (): Duplex => pipe;
  return Object.assign(pipe, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => pipe.end(),
  });
}
