import { createHash } from 'node:crypto';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Ports, ProcessIdentity } from '../ports.ts';
import type { Project } from './context.ts';

/** What the running server of an embedded environment wrote about itself. */
export interface ServerState extends ProcessIdentity {
  readonly url: string;
  readonly version: string;
  /** ISO time. */
  readonly since: string;
  /** Changes when a setting that the server was started with changes. */
  readonly fingerprint: string;
}

export function serverFile(project: Project): string {
  return path.join(project.state, 'server.json');
}

export function serverLog(project: Project): string {
  return path.join(project.state, 'server.log');
}

/** The server's note and whether that very process still runs; undefined where none was started. */
export async function loadServer(
  ports: Ports,
  project: Project,
): Promise<{ readonly state: ServerState; readonly alive: boolean } | undefined> {
  const text = await ports.files.read(serverFile(project));
  if (text === undefined) return undefined;
  const state = parseState(text);
  return state === undefined ? undefined : { state, alive: ports.processes.alive(state) };
}

/** Writes the note of a server that is starting or has started. */
export async function noteServer(ports: Ports, project: Project, process: ProcessIdentity): Promise<void> {
  const { API_HOST, API_PORT } = project.config.settings;
  const state: ServerState = {
    ...process,
    url: addressOf(API_HOST, API_PORT),
    version: ports.self.version,
    since: ports.clock.now().toISOString(),
    fingerprint: fingerprint(project, ports.self.version),
  };
  await ports.files.write(serverFile(project), `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

export function addressOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The note, or undefined where it is damaged: then nothing is known of a server. */
function parseState(text: string): ServerState | undefined {
  try {
    const state = JSON.parse(text) as Partial<ServerState> | null;
    return typeof state?.pid === 'number' && typeof state.url === 'string'
      ? (state as ServerState)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The address of the running server; SERVER_UNREACHABLE where none runs. */
export async function serverUrl(ports: Ports, project: Project): Promise<string> {
  const server = await loadServer(ports, project);
  if (server?.alive === true) return server.state.url;
  const what = server === undefined ? 'is not running' : `(pid ${server.state.pid}) is gone`;
  throw new PortiereError('SERVER_UNREACHABLE', `The search API of ${project.config.environment} ${what}.`, {
    hint: 'Start it with: portiere up',
  });
}

/** The settings that a server reads at its start, as one line without secrets; a difference means a restart. */
export function fingerprint(project: Project, version: string): string {
  const { settings } = project.config;
  return JSON.stringify([
    version,
    settings.API_HOST,
    settings.API_PORT,
    project.pointer,
    settings.EMBEDDING_MODEL,
    settings.EMBEDDING_PRECISION,
    settings.MODEL_DIR,
    settings.DENSE_ENGINE,
    settings.DENSE_QUALITY,
    settings.DENSE_NPROBE,
    settings.DENSE_EF_SEARCH,
    settings.MILVUS_URL,
    settings.MILVUS_COLLECTION,
    digestOf(settings.MILVUS_TOKEN?.reveal()),
    settings.RATE_LIMIT_PER_MINUTE,
    settings.LOG_LEVEL,
    settings.READINESS_STRICT,
    settings.CORS_ORIGINS,
  ]);
}

function digestOf(secret: string | undefined): string | undefined {
  return secret === undefined ? undefined : createHash('sha256').update(secret).digest('hex');
}
