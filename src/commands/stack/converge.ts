import { PortiereError } from '../../errors.ts';
import { type Change, orphans } from '../../plan/converge.ts';
import { phasesOf } from '../../plan/phases.ts';
import type { Ports } from '../../ports.ts';
import type { ContainerState, Engine } from '../../ports/engine.ts';
import type { Service, Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { type Awaited, failureOf, waitFor, type WaitResult } from '../wait.ts';
import { alignDatabasePassword } from './database-password.ts';
import { composeFile, namespaceOf, ownedBy } from './engine.ts';
import { followJobs } from './job-log.ts';
import { reportFailure } from './failure.ts';
import { unpause } from './unpause.ts';

export interface Convergence {
  readonly project: Project;
  readonly stack: Stack;
  /** The services this is about, in order. */
  readonly services: readonly Service[];
  readonly changes: readonly Change[];
  readonly containers: readonly ContainerState[];
  readonly replicas: Readonly<Record<string, number>>;
  /** Seconds for everything; undefined: each service has its own. */
  readonly timeout: number | undefined;
  /** Seconds that a service must have been well; undefined: as the waiter thinks fit. */
  readonly stableFor: number | undefined;
}

/** Performs the changes phase by phase, each phase waiting until what it brought up is there, then all of it settles. */
export async function converge(ports: Ports, engine: Engine, work: Convergence): Promise<void> {
  await removeOrphans(ports, engine, work);
  await removeEndedJobs(engine, work);
  const started = ports.clock.elapsed();
  const left = (): number | undefined =>
    work.timeout === undefined ? undefined : work.timeout - (ports.clock.elapsed() - started) / 1000;
  const since = new Map<string, number>();
  for (const { title, services } of phasesOf(work.services)) {
    const now = (await engine.info()).time;
    const changed = services.filter(({ name }) => changeOf(work, name) !== undefined);
    if (changed.length > 0) {
      await unpause(
        engine,
        work.project,
        work.containers.filter(({ service }) => changed.some(({ name }) => name === service)),
      );
      const [anew, others] = [true, false].map((again) =>
        changed.filter(({ name }) => (changeOf(work, name)?.action === 'recreate') === again),
      );
      // Compose does not see all that we do, such as a network made anew under a stopped container.
      await compose(ports, engine, { work, services: anew ?? [], flags: ['--force-recreate'] });
      await compose(ports, engine, { work, services: others ?? [], flags: [] });
      for (const { name } of changed) since.set(name, now);
    }
    // A job that need not run is done.
    const awaited = services.filter(
      (one) =>
        replicasOf(work, one) > 0 && (one.kind === 'service' || changeOf(work, one.name) !== undefined),
    );
    if (awaited.length === 0) continue;
    // Later phases only need it to be well now; whether it stays so is seen at the end.
    await settle(ports, engine, {
      project: work.project,
      title: `Wait for ${title === awaited[0]?.name ? title : `${title}: ${names(awaited)}`}`,
      expectations: awaited.map((one) => expectation(work, one, { since, stableFor: 0 })),
      timeout: left(),
    });
    const isOn = awaited.some(({ name }) => name === 'postgres');
    if (isOn && work.changes.length > 0) await alignDatabasePassword(ports, engine, work);
  }
  const lasting = work.services.filter((one) => one.kind === 'service' && replicasOf(work, one) > 0);
  await settle(ports, engine, {
    project: work.project,
    title: 'Wait until all of it has settled',
    expectations: lasting.map((one) => expectation(work, one, { since, stableFor: work.stableFor })),
    timeout: left(),
  });
}

function expectation(
  work: Convergence,
  service: Service,
  {
    since,
    stableFor,
  }: { readonly since: ReadonlyMap<string, number>; readonly stableFor: number | undefined },
): Awaited {
  const changed = changeOf(work, service.name);
  // Scaling and starting leave other containers of the service as they are, and those count.
  const fresh = changed !== undefined && ['create', 'recreate', 'run'].includes(changed.action);
  return {
    service: service.name,
    kind: service.kind,
    replicas: replicasOf(work, service),
    hasHealthcheck: service.healthcheck !== null,
    timeout: service.startTimeout,
    since: fresh ? (since.get(service.name) ?? 0) : 0,
    ...(stableFor === undefined ? {} : { stableFor }),
  };
}

function replicasOf({ replicas }: Convergence, { name, replicas: configured }: Service): number {
  return replicas[name] ?? configured;
}

function changeOf({ changes }: Convergence, name: string): Change | undefined {
  return changes.find(({ service }) => service === name);
}

interface Composed {
  readonly work: Convergence;
  readonly services: readonly Service[];
  readonly flags: readonly string[];
}

/** One `docker compose up -d` for services that change together; Compose makes and starts, we wait. */
async function compose(ports: Ports, engine: Engine, { work, services, flags }: Composed): Promise<void> {
  if (services.length === 0) return;
  const { project } = work;
  const scale = services.flatMap((one) =>
    one.kind === 'service' ? ['--scale', `${one.name}=${replicasOf(work, one)}`] : [],
  );
  const words = services.map(({ name }) => {
    const change = changeOf(work, name);
    return `${change?.action ?? 'start'} ${name} (${change?.cause ?? ''})`;
  });
  await ports.reporter.step(words.join('; '), async (progress) => {
    const args = ['up', '--detach', '--no-deps', '--no-build', '--pull', 'never', ...flags, ...scale];
    const { exitCode, stdout, stderr } = await engine.compose(
      [...args, ...services.map(({ name }) => name)],
      {
        file: composeFile(project),
        project: namespaceOf(project),
        profiles: [...new Set(services.flatMap(({ profiles }) => profiles))],
        timeout: 600_000,
        signal: ports.caller.interrupted,
        onLine: (line) => {
          progress.say(line.trim());
        },
      },
    );
    if (exitCode === 0) return;
    throw composeFailure(`${stderr}\n${stdout}`, names(services));
  });
}

/** Compose says what went wrong in its last lines. */
export function composeFailure(output: string, what: string): PortiereError {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const said =
    lines.findLast((line) => /error|cannot|failed|denied/i.test(line)) ?? lines.at(-1) ?? 'no reason given';
  const port = /(?:address already in use|port is already allocated)/.test(output);
  return new PortiereError(
    port ? 'PORT_IN_USE' : 'ENGINE_FAILED',
    `docker compose could not bring up ${what}: ${said.trim()}`,
    {
      hint: port
        ? 'Stop what has the port, then run the same command again.'
        : 'See: portiere ps and portiere logs.',
    },
  );
}

/** Milliseconds for what an ended job said last. */
const lastWords = 500;

export interface Settling {
  readonly project: Project;
  readonly title: string;
  readonly expectations: readonly Awaited[];
  readonly timeout: number | undefined;
}

/** Waits for what is expected, saying what is still open; throws the first failure with its evidence. */
export async function settle(
  ports: Ports,
  engine: Engine,
  { project, title, expectations, timeout }: Settling,
): Promise<void> {
  const result = await ports.reporter.step(title, async (progress): Promise<WaitResult> => {
    const said = new Map<string, string>();
    let told = '';
    const stop = new AbortController();
    const names = expectations.filter(({ kind }) => kind === 'job').map(({ service }) => service);
    const following = followJobs(engine, { owned: ownedBy(project), names, stop: stop.signal }, (line) => {
      progress.say(line.trim());
    });
    const found = await waitFor(engine, expectations, {
      owned: ownedBy(project),
      clock: ports.clock,
      signal: ports.caller.interrupted,
      ...(timeout === undefined ? {} : { timeout: Math.max(0, timeout) }),
      onChange: (service, words) => {
        said.set(service, words);
        // One look may change what there is to say of several services: it is said once.
        queueMicrotask(() => {
          const text = openWords(said);
          if (text !== told && text !== '') progress.say(text);
          told = text;
        });
      },
    }).finally(async () => {
      // A job that has ended may not have been heard to its end yet.
      await Promise.race([following, ports.clock.sleep(lastWords)]);
      stop.abort();
      await following;
    });
    const failure = failureOf(found);
    if (failure !== undefined) throw await reportFailure(ports, engine, { project, result: found, failure });
    return found;
  });
  if (!result.ok) throw new PortiereError('BUG', 'The wait ended without a verdict.');
}

/** What is still open, without the seconds that only have to pass. */
function openWords(said: ReadonlyMap<string, string>): string {
  return [...said]
    .filter(([, words]) => words !== 'ready')
    .map(
      ([name, words]) =>
        `${name} ${words.replace(/ for \d+ of \d+ s$/, ', settling').replace(/^running for [\d.]+ s$/, 'running')}`,
    )
    .join('; ');
}

/**
 * A job that is to run again loses the container of its last run first: were we killed after its data was made anew
 * and before it ran, the next `up` could take the old success for one on the new data.
 */
async function removeEndedJobs(engine: Engine, work: Convergence): Promise<void> {
  for (const { kind, name } of work.services) {
    if (kind !== 'job' || changeOf(work, name) === undefined) continue;
    const ended = work.containers.filter((one) => one.service === name && one.state !== 'running');
    for (const { id } of ended) await engine.removeContainer(id);
  }
}

/** Containers with this environment's labels whose service is gone from the stack. */
async function removeOrphans(
  ports: Ports,
  engine: Engine,
  { stack, containers }: Convergence,
): Promise<void> {
  const gone = orphans(
    stack.services.map(({ name }) => name),
    containers,
  );
  for (const { id, name, service } of gone) {
    await ports.reporter.step(`Remove ${name} (${service} is no longer in the stack)`, async () => {
      await engine.stopContainer(id, 10);
      await engine.removeContainer(id);
    });
  }
}

function names(services: readonly Service[]): string {
  return services.map(({ name }) => name).join(', ');
}
