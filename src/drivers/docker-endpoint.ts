import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where an engine listens; one value for the API client and for the `docker` program. */
export interface Endpoint {
  /** `unix:///run/docker.sock`, `tcp://host:2376`, `ssh://user@host`. */
  readonly url: string;
  /** The context it came from. */
  readonly context: string | undefined;
  readonly tls: Tls | undefined;
}

/** Paths of PEM files; those that do not exist are left out. */
export interface Tls {
  readonly verify: boolean;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const fallback = 'unix:///var/run/docker.sock';

/** The endpoint by the rules of the `docker` program: context, host, DOCKER_HOST, DOCKER_CONTEXT, current context. */
export async function resolveEndpoint(
  chosen: { readonly context?: string; readonly dockerHost?: string },
  env: Environment,
): Promise<Endpoint> {
  const folder = configFolder(env);
  const host = chosen.dockerHost ?? (env['DOCKER_HOST'] || undefined);
  if (chosen.context === undefined && host !== undefined) return await fromHost(host, env, folder);
  const context = chosen.context ?? (env['DOCKER_CONTEXT'] || (await currentContext(folder)));
  if (context !== 'default') return await fromContext(context, folder);
  return await fromHost(host ?? fallback, env, folder);
}

/** The folder of the `docker` program's own settings. */
function configFolder(env: Environment): string {
  return env['DOCKER_CONFIG'] || path.join(env['HOME'] ?? '/root', '.docker');
}

async function fromHost(host: string, env: Environment, folder: string): Promise<Endpoint> {
  const url = host.includes('://') ? host : `tcp://${host}`;
  const verify = (env['DOCKER_TLS_VERIFY'] ?? '') !== '';
  const wanted = url.startsWith('https:') || verify || (env['DOCKER_TLS'] ?? '') !== '';
  const tls =
    wanted && !/^(?:unix|npipe|ssh):/.test(url)
      ? { verify, ...(await pemFiles(env['DOCKER_CERT_PATH'] || folder)) }
      : undefined;
  return { url: checked(url, 'DOCKER_HOST'), context: undefined, tls };
}

async function currentContext(folder: string): Promise<string> {
  const settings = await json(path.join(folder, 'config.json'));
  const name = (settings as { currentContext?: unknown } | undefined)?.currentContext;
  return typeof name === 'string' && name !== '' ? name : 'default';
}

async function fromContext(context: string, folder: string): Promise<Endpoint> {
  // The docker program keeps a context in folders named by the digest of its name.
  const digest = createHash('sha256').update(context).digest('hex');
  const meta = await json(path.join(folder, 'contexts', 'meta', digest, 'meta.json'));
  const docker = (meta as { Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } } } | undefined)
    ?.Endpoints?.docker;
  if (docker?.Host === undefined) {
    throw new PortiereError('ENGINE_UNREACHABLE', `There is no Docker context called ${context}.`, {
      hint: 'See which there are: docker context ls',
    });
  }
  const files = await pemFiles(path.join(folder, 'contexts', 'tls', digest, 'docker'));
  const some = files.ca !== undefined || files.cert !== undefined;
  return {
    url: checked(docker.Host, `context ${context}`),
    context,
    tls:
      some || docker.SkipTLSVerify === true ? { verify: docker.SkipTLSVerify !== true, ...files } : undefined,
  };
}

function checked(url: string, origin: string): string {
  if (/^(?:unix|npipe):\/\/./.test(url)) return url;
  if (/^(?:tcp|https?|ssh):\/\/[^/]/.test(url) && URL.canParse(url)) return url;
  throw new PortiereError('ENGINE_UNREACHABLE', `${origin} is not the address of an engine: ${url}`, {
    hint: 'Use unix:///path, tcp://host:port or ssh://user@host.',
  });
}

async function pemFiles(folder: string): Promise<Pick<Tls, 'ca' | 'cert' | 'key'>> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map(async (name) => await existing(path.join(folder, name))),
  );
  return { ca, cert, key };
}

async function existing(file: string): Promise<string | undefined> {
  return (await text(file)) === undefined ? undefined : file;
}

async function json(file: string): Promise<unknown> {
  const content = await text(file);
  try {
    return content === undefined ? undefined : JSON.parse(content);
  } catch (error) {
    throw new PortiereError('ENGINE_UNREACHABLE', `${file} is not JSON.`, {
      hint: 'Repair it, or say which engine with --context or DOCKER_HOST.',
      cause: error,
    });
  }
}

async function text(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new PortiereError('ENGINE_UNREACHABLE', `Cannot read ${file}.`, {
      hint: 'Check its owner and mode, or say which engine with DOCKER_HOST.',
      cause: error,
    });
  }
}
