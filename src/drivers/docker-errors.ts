import { existsSync } from 'node:fs';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Endpoint, Environment } from './docker-endpoint.ts';

interface Failure extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | null;
  /** What a failed `ssh` said. */
  readonly stderr?: string;
}

/** An engine's refusal or silence in our words: ENGINE_FAILED where it answered, ENGINE_UNREACHABLE where not. */
export function fromEngineError(error: unknown, endpoint: Endpoint, env: Environment): PortiereError {
  if (error instanceof PortiereError) return error;
  const failure = error as Failure;
  const { statusCode } = failure;
  if (statusCode === undefined) return unreachable(failure, endpoint, env);
  const words = engineWords(failure);
  if (statusCode === 400 && /HTTP request to an HTTPS server/i.test(words)) {
    return new PortiereError('ENGINE_UNREACHABLE', `The engine at ${endpoint.url} speaks TLS only.`, {
      hint: 'Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context that has the certificates.',
      cause: error,
    });
  }
  return new PortiereError('ENGINE_FAILED', `The engine at ${endpoint.url} refused: ${words}`, {
    hint:
      statusCode < 500
        ? 'See what there is: docker ps --all; docker image ls; docker volume ls'
        : 'See what the engine itself logs: journalctl -u docker',
    cause: error,
  });
}

/** True where the engine answered that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return (error as Failure).statusCode === 404;
}

/** The engine's own message, on one line. */
export function engineWords(error: unknown): string {
  const { json, message } = error as Failure;
  // An answer to a stream comes without its JSON, after a prefix that the API client made up.
  const words = json?.message ?? message.replace(/^\(HTTP code \d+\) .*? - /, '');
  return words.trim().replaceAll(/\s+/g, ' ');
}

function unreachable(error: Failure, endpoint: Endpoint, env: Environment): PortiereError {
  const { url } = endpoint;
  const [message, hint] = explain(error, url, env);
  return new PortiereError('ENGINE_UNREACHABLE', message, { hint, cause: error });
}

/** What failed, and what to do about it. */
function explain(error: Failure, url: string, env: Environment): readonly [string, string] {
  const local = /^(?:unix|npipe):/.test(url);
  const { code } = error;
  if (error.stderr !== undefined) {
    const said = error.stderr.trim().split('\n').at(-1) || error.message.split('\n')[0];
    return [`No engine by way of ${url}: ${said}`, `Try it by hand: ssh ${sshTarget(url)} docker version`];
  }
  if (code === 'ENOENT' && local) {
    return [`There is no engine socket at ${url}.`, rootlessHint(url, env) ?? startHint];
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const hint =
      'Add yourself to the docker group and log in again (sudo usermod -aG docker "$USER"), or use sudo.';
    return [`Not permitted to use the engine at ${url}.`, hint];
  }
  if (code === 'ECONNREFUSED') {
    const hint = local
      ? startHint
      : 'Check host and port, that the engine listens on TCP (dockerd -H), and the firewall.';
    return [`No engine listens at ${url}.`, hint];
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return [`The host of ${url} is not known.`, 'Check DOCKER_HOST or the context: docker context ls'];
  }
  if (error.name === 'TimeoutError' || error.name === 'AbortError' || code === 'ABORT_ERR') {
    const hint = local
      ? 'It may be starting or stuck: systemctl status docker'
      : 'Check host, port and firewall, or try again.';
    return [`The engine at ${url} does not answer in time.`, hint];
  }
  if (code !== undefined && /TLS|CERT|SSL|EPROTO|SELF_SIGNED|VERIFY/.test(code)) {
    const hint =
      'Check the certificates (DOCKER_CERT_PATH, or docker context inspect) and DOCKER_TLS_VERIFY.';
    return [`No TLS with the engine at ${url}: ${error.message}`, hint];
  }
  return [
    `The connection to the engine at ${url} failed: ${error.message || code}`,
    local ? startHint : 'Check that it runs, then run the same command again.',
  ];
}

const startHint = 'Is the engine running? Start it: sudo systemctl start docker';

/** A rootless engine that runs while its context is not in use. */
function rootlessHint(url: string, env: Environment): string | undefined {
  const folder = env['XDG_RUNTIME_DIR'] ?? '';
  if (folder === '') return undefined;
  const socket = path.join(folder, 'docker.sock');
  if (url === `unix://${socket}` || !existsSync(socket)) return undefined;
  return `A rootless engine has its socket at ${socket}: use it with DOCKER_HOST=unix://${socket}`;
}

function sshTarget(url: string): string {
  const { username, hostname, port } = new URL(url);
  return `${port === '' ? '' : `-p ${port} `}${username === '' ? '' : `${username}@`}${hostname}`;
}
