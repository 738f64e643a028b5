import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { watchIndex } from '../search/api/live-index.ts';
import { newMetrics } from '../search/api/metrics.ts';
import { closeServer, listen, newServer } from '../search/api/server.ts';
import { keepGarbageYoung } from '../search/system/young-garbage.ts';
import { openProject, type Project } from './context.ts';
import { embedderOf } from './embedder.ts';
import { embeddedBacking, stackBacking } from './serve-backing.ts';
import { fileEngine } from './vector-server.ts';
import { addressOf, noteServer, serverFile } from './server-state.ts';

/** Milliseconds that requests under way get when it is told to stop. */
const closeGrace = 7_000;
const levels = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;

/** Serves the search API until it is told to stop; in `embedded` it also owns the Postgres folder. */
export async function serve(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const { settings, base } = project.config;
  await checkAddress(ports, project);
  if (options.dryRun === true) {
    const url = addressOf(settings.API_HOST, settings.API_PORT);
    return { data: { would_serve: url }, view: [`Would serve ${project.config.name} at ${url}.`] };
  }
  const closers: (() => Promise<void>)[] = [];
  try {
    if (project.database.kind === 'embedded') {
      const owner = await ports.databases.serve(project.database.folder);
      closers.push(async () => {
        await owner.close();
      });
      // Noted as soon as the folder is ours (before that, another server's note may stand there), so that a start
      // that hangs, or whose `up` was killed, is found, waited for or stopped.
      await noteServer(ports, project, ports.processes.own);
    }
    const backing = await (base === 'embedded' ? embeddedBacking : stackBacking)(ports, project, closers);
    const embedder = await embedderOf(ports, project);
    closers.push(async () => {
      await embedder.close();
    });
    const index = await watchIndex(
      {
        pointer: project.pointer,
        embedder,
        engine: fileEngine(settings),
        nprobe: settings.DENSE_NPROBE || undefined,
        efSearch: settings.DENSE_EF_SEARCH || undefined,
        words: backing.words,
        vectors: backing.vectors,
      },
      (error) => {
        ports.reporter.warn(`the published build is not used: ${(error as Error).message}`);
      },
    );
    closers.push(async () => {
      await index.close();
    });
    keepGarbageYoung();
    const app = await newServer({
      version: ports.self.version,
      index,
      limiter: backing.limiter,
      ...(backing.keys === undefined ? {} : { keys: backing.keys }),
      behindProxy: backing.behindProxy,
      metrics: newMetrics(ports.self.version, () => ports.processes.residentMemory()),
      logLevel: levels[settings.LOG_LEVEL],
      log(line) {
        ports.reporter.note(line.trimEnd());
      },
      corsOrigins: settings.CORS_ORIGINS,
      strict: settings.READINESS_STRICT,
      now: () => ports.clock.now(),
      pingDatabase: async () => {
        await backing.pingDatabase();
      },
    });
    closers.push(async () => {
      await closeServer(app, closeGrace);
    });
    const url = await listen(app, settings.API_HOST, settings.API_PORT);
    ports.reporter.note(`Serving ${project.config.name} at ${url}`);
    await stopped(ports.caller.interrupted);
    if (base === 'embedded') await ports.files.remove(serverFile(project));
    return { data: { url, stopped: true }, view: [] };
  } finally {
    await closeAll(closers);
  }
}

/** Without keys the embedded API must not leave this machine; a taken port is named with its owner. */
async function checkAddress(ports: Ports, { config }: Project): Promise<void> {
  const { API_HOST, API_PORT } = config.settings;
  if (config.base === 'embedded' && !['127.0.0.1', 'localhost', '::1'].includes(API_HOST)) {
    throw new PortiereError(
      'REFUSED',
      `The embedded API has no keys, so it does not listen on ${API_HOST}.`,
      {
        hint: 'Set API_HOST=127.0.0.1, or use another environment.',
      },
    );
  }
  await requireFreePort(ports, API_HOST, API_PORT);
}

export async function requireFreePort(ports: Ports, host: string, port: number): Promise<void> {
  const { free, owner } = await ports.processes.portOwner(host, port);
  if (free) return;
  throw new PortiereError(
    'PORT_IN_USE',
    `Port ${port} on ${host} is taken by ${owner ?? 'another process'}.`,
    {
      hint: `Stop it, or choose another port: API_PORT=${port + 1} portiere up`,
    },
  );
}

/** Closes in reverse order, every one whatever the others do; the first failure is thrown at the end. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.toReversed()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
