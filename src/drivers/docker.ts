import Docker from 'dockerode';

import { PortiereError } from '../errors.ts';
import type { Engine, EngineInfo, Engines, Owned } from '../ports/engine.ts';
import { changes, readComposeVersion, runCompose } from './compose.ts';
import { type Endpoint, type Environment, resolveEndpoint } from './docker-endpoint.ts';
import { fromEngineError, isMissing } from './docker-errors.ts';
import { readContainerFile } from './docker-file.ts';
import { statsOf } from './docker-stats.ts';
import { eventsOf, lifeOf, ownedBy } from './docker-events.ts';
import { runInside } from './docker-exec.ts';
import { demultiplex, linesOf } from './docker-output.ts';
import {
  assignment,
  containerState,
  imageState,
  networkState,
  type RawContainer,
  volumeState,
} from './docker-state.ts';
import { transportTo } from './docker-transport.ts';

/** The API versions we know: the older is engine 20.10's, the newer the last whose answers were read. */
const api = { oldest: 41, newest: 51 };
const callDeadline = 30_000;

/** Engines as the caller's environment leads to them. */
export function enginesFor(env: Environment): Engines {
  return {
    async connect({ timeout, ...chosen }) {
      const endpoint = await resolveEndpoint(chosen, env);
      try {
        const docker = new Docker(transportTo(endpoint, env));
        const calls = watchCalls(docker, timeout);
        const { ApiVersion, MinAPIVersion } = await docker.version();
        Object.assign(docker.modem as object, {
          version: `v1.${negotiate(endpoint, ApiVersion, MinAPIVersion)}`,
        });
        calls.deadline = callDeadline;
        return engineOn(docker, { endpoint, env, calls });
      } catch (error) {
        throw fromEngineError(error, endpoint, env);
      }
    },
  };
}

/** The part of the API client that everything goes through, which its types leave open. */
interface Modem {
  dial(request: ModemRequest, answer: (error: Error | null, result: unknown) => void): void;
}

interface ModemRequest {
  readonly path: string;
  readonly method: string;
  readonly isStream?: boolean;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly statusCodes: Readonly<Record<number, string | true>>;
  readonly abortSignal?: AbortSignal;
}

interface Calls {
  /** Milliseconds until an answer must begin, or a short one be complete. */
  deadline: number;
  changing: number;
}

/** Puts a deadline on every request and counts those that may change something. */
function watchCalls(docker: Docker, deadline: number): Calls {
  const calls: Calls = { deadline, changing: 0 };
  const modem = docker.modem as Modem;
  const dial = modem.dial.bind(modem);
  modem.dial = (request, callback) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') calls.changing++;
    const controller = new AbortController();
    // `t` is the grace that a stop gives, and the engine answers after it.
    const limit = calls.deadline + Number(request.options?.['t'] ?? 0) * 1_000;
    let open = true;
    const answer: typeof callback = (error, result) => {
      clearTimeout(timer);
      if (open) callback(error, result);
      open = false;
    };
    const timer = setTimeout(() => {
      answer(new DOMException(`No answer in ${limit} ms.`, 'TimeoutError'), null);
      controller.abort();
    }, limit);
    dial({ ...request, abortSignal: controller.signal }, answer);
  };
  return calls;
}

/** The newest minor version that both speak. */
function negotiate(endpoint: Endpoint, newest: string, oldest = '1.12'): number {
  const [theirs = 0, floor = 0] = [newest, oldest].map((version) => Number(version.split('.')[1]));
  if (theirs >= api.oldest && floor <= api.newest) return Math.min(theirs, api.newest);
  const age = theirs < api.oldest ? 'old' : 'new';
  throw new PortiereError(
    'ENGINE_UNREACHABLE',
    `The engine at ${endpoint.url} is too ${age}: it speaks API ${oldest} to ${newest}, we 1.${api.oldest} to 1.${api.newest}.`,
    { hint: age === 'old' ? 'Update it to Docker 20.10 or newer.' : 'Update portiere.' },
  );
}

interface Connection {
  readonly endpoint: Endpoint;
  readonly env: Environment;
  readonly calls: Calls;
}

function engineOn(docker: Docker, { endpoint, env, calls }: Connection): Engine {
  let composed = 0;
  const asked = async <T>(question: Promise<T>): Promise<T> => {
    try {
      return await question;
    } catch (error) {
      throw fromEngineError(error, endpoint, env);
    }
  };
  /** Undefined, or nothing to do, where there is no such thing. */
  const found = async <T>(question: Promise<T>): Promise<T | undefined> =>
    await asked(
      question.catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      }),
    );
  const inspect = async (id: string): Promise<RawContainer | undefined> =>
    await found(docker.getContainer(id).inspect());
  return {
    endpoint: endpoint.url,
    context: endpoint.context,
    info: async () => await asked(readInfo(docker)),
    composeVersion: async () => await readComposeVersion(env),
    async containers(owned, { all = false } = {}) {
      const listed = await asked(docker.listContainers({ all, filters: ownedBy(owned) }));
      const inspected = await Promise.all(listed.map(async ({ Id }) => await inspect(Id)));
      return inspected
        .flatMap((raw) => (raw === undefined ? [] : containerState(raw)))
        .sort((one, other) => (one.name < other.name ? -1 : 1));
    },
    async container(id) {
      const raw = await inspect(id);
      return raw && containerState(raw);
    },
    async environmentKeys(id) {
      const raw: RawContainer = await asked(docker.getContainer(id).inspect());
      return (raw.Config.Env ?? []).map((line) => assignment(line)[0]);
    },
    async publisher(port) {
      const [listed] = await asked(docker.listContainers({ filters: { publish: [`${port}/tcp`] } }));
      return listed?.Names[0]?.replace(/^\//, '');
    },
    async image(reference) {
      const raw = await found(docker.getImage(reference).inspect());
      return raw && imageState(raw);
    },
    async volumes(owned) {
      const { Volumes } = await asked(docker.listVolumes({ filters: filtersOf(owned) }));
      return (Volumes ?? []).map(volumeState);
    },
    async networks(owned) {
      return (await asked(docker.listNetworks({ filters: filtersOf(owned) }))).map(networkState);
    },
    async *logs(containerId, { tail, follow = false, since, stop }) {
      if (stop?.aborted) return;
      const query = {
        follow,
        stdout: true,
        stderr: true,
        tail: tail ?? 'all',
        since: (since ?? 0) / 1_000,
      };
      const stream = await asked(openStream(docker, `/containers/${containerId}/logs?`, query));
      const end = (): unknown => stream.destroy();
      stop?.addEventListener('abort', end, { once: true });
      try {
        yield* linesOf(demultiplex(stream));
      } catch (error) {
        if (!stop?.aborted) throw fromEngineError(error, endpoint, env);
      } finally {
        stop?.removeEventListener('abort', end);
        stream.destroy();
      }
    },
    async events(owned, { since, until }) {
      const query = { since: since / 1_000, until: until / 1_000, filters: lifeOf(owned) };
      return await asked(openStream(docker, '/events?', query).then(eventsOf));
    },
    async stats(id) {
      return statsOf(await asked(docker.getContainer(id).stats({ stream: false })));
    },
    async exec(id, argv, options = {}) {
      return await asked(runInside(docker.getContainer(id), argv, options));
    },
    async readFile(id, path) {
      return await asked(
        readContainerFile(async (from) => await docker.getContainer(id).getArchive({ path: from }), path),
      );
    },
    async createReader({ image, labels, volumes = [] }) {
      const mounts = volumes.map(({ name, target }) => ({
        Type: 'volume' as const,
        Source: name,
        Target: target,
        ReadOnly: true,
      }));
      const created = await asked(
        docker.createContainer({
          Image: image,
          Labels: { ...labels },
          // An image without a command of its own is refused, though nothing will run.
          Cmd: ['true'],
          HostConfig: { Mounts: mounts, NetworkMode: 'none' },
        }),
      );
      return created.id;
    },
    async stopContainer(id, graceSeconds) {
      // 304: it does not run.
      await found(docker.getContainer(id).stop({ t: graceSeconds }).catch(unless(304)));
    },
    async killContainer(id, signal) {
      await asked(docker.getContainer(id).kill({ signal }));
    },
    async removeContainer(id) {
      // 409: its removal is in progress.
      await found(docker.getContainer(id).remove({ force: true, v: true }).catch(unless(409)));
    },
    async removeVolume(name) {
      await found(docker.getVolume(name).remove());
    },
    mutations: () => calls.changing + composed,
    async compose(args, options) {
      if (changes(args)) composed++;
      return await runCompose(args, { ...options, endpoint, caller: env });
    },
  };
}

async function readInfo(docker: Docker): Promise<EngineInfo> {
  const [version, info] = await Promise.all([
    docker.version(),
    docker.info() as Promise<Readonly<Record<string, unknown>>>,
  ]);
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    os: version.Os,
    architecture: version.Arch,
    cpus: info['NCPU'] as number,
    memoryBytes: info['MemTotal'] as number,
    rootless: (info['SecurityOptions'] as readonly string[] | null)?.includes('name=rootless') ?? false,
    name: info['Name'] as string,
    dataRoot: info['DockerRootDir'] as string,
    time: Date.parse(info['SystemTime'] as string),
  };
}

function filtersOf(owned: Owned | undefined): Record<string, string[]> {
  return owned === undefined ? {} : ownedBy(owned);
}

/** The answer's body as it comes, whatever its kind: the client's own `logs` reads JSON-like text as JSON. */
async function openStream(docker: Docker, path: string, query: object): Promise<NodeJS.ReadStream> {
  const modem = docker.modem as Modem;
  return await new Promise((resolve, reject) => {
    const request: ModemRequest = {
      path,
      method: 'GET',
      isStream: true,
      options: { ...query },
      statusCodes: { 200: true, 404: 'not found', 500: 'server error' },
    };
    modem.dial(request, (error, stream) => {
      if (error === null) resolve(stream as NodeJS.ReadStream);
      else reject(error);
    });
  });
}

function unless(statusCode: number): (error: unknown) => void {
  return (error) => {
    if ((error as { readonly statusCode?: number }).statusCode !== statusCode) throw error;
  };
}
