import { PortiereError } from '../../errors.ts';
import { type Change, orphans, planConvergence } from '../../plan/converge.ts';
import type { Finding } from '../../plan/preflight.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import { changedFields } from '../../render/fingerprint.ts';
import type { Service, Stack } from '../../stack/model.ts';
import { type Project, underLease } from '../context.ts';
import { checkRendered, renderedFiles, writeRendered } from '../render.ts';
import { requireModel, stackOf } from '../stack.ts';
import { converge } from './converge.ts';
import { desiredOf } from './desired.ts';
import { connectEngine, ownedBy, renderFolder } from './engine.ts';
import { hostFacts } from './host.ts';
import { buildImage, fetchImages, type ImagePlan, planImages } from './images.ts';
import { observe } from './observe.ts';
import { requireFit } from './preflight.ts';
import { requireExternal } from './external.ts';
import { readiness, type StackReadiness } from './readiness.ts';
import { type Selection, selectServices, withDependencies } from './select.ts';
import { addresses } from './addresses.ts';

export interface StackUpOptions extends GlobalOptions, Selection {
  /** Seconds that services must have been well at the end. */
  readonly stableFor?: number;
  /** Build images anew even where they are there. */
  readonly build?: boolean;
  /** Overwrite rendered files that were edited by hand. */
  readonly force?: boolean;
}

/** What an `up` or `scale` is about. */
export interface Work {
  readonly project: Project;
  readonly stack: Stack;
  readonly services: readonly Service[];
  /** Numbers of containers in place of the configured ones. */
  readonly replicas: Readonly<Record<string, number>>;
}

/** Brings a stack of containers up: checks, renders, fetches images, converges phase by phase, waits, probes. */
export async function upStack(ports: Ports, options: StackUpOptions, project: Project): Promise<Outcome> {
  const stack = await stackOf(ports, project);
  const services = withDependencies(stack, selectServices(stack, options), options);
  return await bringUp(ports, options, { project, stack, services, replicas: {} });
}

/** The same for any set of services and numbers of them. */
export async function bringUp(ports: Ports, options: StackUpOptions, work: Work): Promise<Outcome> {
  await requireModel(ports, work.project);
  const engine = await connectEngine(ports, options);
  if (options.dryRun === true) return await dryRun(ports, engine, work);
  return await underLease(ports, work.project, 'up', async () => {
    const { project, stack } = work;
    const started = ports.clock.elapsed();
    const left = (): number | undefined =>
      options.timeout === undefined ? undefined : options.timeout - (ports.clock.elapsed() - started) / 1000;
    await requireExternal(ports, project, stack);
    const before = await decide(ports, engine, work);
    const told = check(
      ports,
      work,
      await hostFacts(ports, engine, { project, question: { ...before, stack, mayCreate: true } }),
    );
    await writeRendered(ports, stack, { folder: renderFolder(project), force: options.force === true });
    await fetchImages(ports, engine, { project, plan: before.imagePlan, left });
    if (options.build === true) {
      for (const service of before.kept.build)
        await buildImage(ports, engine, { project, service, fresh: false });
    }
    // With all images here it can be said what is made anew, and whether the images fit.
    const plan = await decide(ports, engine, work);
    check(
      ports,
      { ...work, told },
      await hostFacts(ports, engine, { project, question: { ...plan, stack, mayCreate: true } }),
    );
    await converge(ports, engine, {
      ...work,
      changes: plan.changes,
      containers: plan.containers,
      timeout: left(),
      stableFor: options.stableFor,
    });
    return await report(ports, engine, { work, changes: plan.changes });
  });
}

interface Decided {
  readonly changes: readonly Change[];
  readonly containers: Awaited<ReturnType<typeof observe>>['containers'];
  readonly images: Awaited<ReturnType<typeof observe>>['images'];
  /** Images to be had first. */
  readonly imagePlan: ImagePlan;
  /** Images that are there and could be built anew. */
  readonly kept: ImagePlan;
}

/** What there is and what has to happen. Reads only. */
export async function decide(
  ports: Ports,
  engine: Engine,
  { project, stack, services, replicas }: Work,
): Promise<Decided> {
  const observed = await observe(engine, ownedBy(project), stack.services);
  const desired = desiredOf(services, await renderedFiles(ports, stack), replicas);
  const has = (reference: string): boolean => observed.images[reference] !== undefined;
  const known = stack.services.map(({ name }) => name);
  const gone = [...new Set(orphans(known, observed.containers).map(({ service }) => service))];
  const removals = gone.map((service): Change => ({
    service,
    action: 'remove',
    cause: 'it is no longer in the stack',
    replicas: 0,
  }));
  return {
    changes: [...removals, ...planConvergence({ stack, desired }, observed, changedFields)],
    containers: observed.containers,
    images: observed.images,
    imagePlan: planImages(services, has),
    kept: planImages(services, (reference) => !has(reference)),
  };
}

function check(
  ports: Ports,
  { project, stack, services, replicas, told = [] }: Work & { readonly told?: readonly Finding[] },
  facts: Parameters<typeof requireFit>[2],
): readonly Finding[] {
  // What is not brought up with it now needs no memory; what is asked for in another number needs more.
  const wanted = stack.services.flatMap((one) =>
    one.profiles.length > 0 && !services.includes(one)
      ? []
      : [{ ...one, replicas: replicas[one.name] ?? one.replicas }],
  );
  return requireFit(ports, { project, stack: { ...stack, services: wanted }, told }, facts);
}

/** What would happen and why; not one request that changes anything is sent to the engine. */
async function dryRun(ports: Ports, engine: Engine, work: Work): Promise<Outcome> {
  const { project, stack } = work;
  const decided = await decide(ports, engine, work);
  check(
    ports,
    work,
    await hostFacts(ports, engine, { project, question: { ...decided, stack, mayCreate: false } }),
  );
  const files = await checkRendered(ports, stack, renderFolder(project));
  const rows = [
    ...files.map(({ path, action }) => [`${action} file`, path, '']),
    ...decided.imagePlan.pull.map(({ image, name }) => ['pull', image.reference, `${name}: it is not here`]),
    ...decided.imagePlan.build.map(({ image, name }) => [
      'build',
      image.reference,
      `${name}: it is not here`,
    ]),
    ...decided.changes.map(({ action, service, cause }) => [action, service, cause]),
  ];
  if (engine.mutations() > 0)
    throw new PortiereError('BUG', 'A dry run sent a request that changes something.');
  return {
    data: {
      environment: project.config.environment,
      endpoint: engine.endpoint,
      files,
      pull: decided.imagePlan.pull.map(({ image }) => image.reference),
      build: decided.imagePlan.build.map(({ image }) => image.reference),
      changes: decided.changes,
      mutations: engine.mutations(),
    },
    view: [
      `${project.config.name}, environment ${project.config.environment}, engine ${engine.endpoint}`,
      rows.length === 0
        ? 'Nothing to do: everything is as configured.'
        : { header: ['would', 'what', 'because'], rows },
    ],
  };
}

async function report(
  ports: Ports,
  engine: Engine,
  { work, changes }: { readonly work: Work; readonly changes: readonly Change[] },
): Promise<Outcome> {
  const { project, stack } = work;
  const containers = await engine.containers(ownedBy(project));
  const asked = work.services.some((one) => one.name === 'api' && (work.replicas['api'] ?? one.replicas) > 0);
  const ready: StackReadiness | null = asked ? await readiness(engine, stack, containers) : null;
  if (ready?.status === 'down') {
    throw new PortiereError('UNHEALTHY', `The stack is up but the search API is not ready: ${ready.cause}`, {
      hint: 'portiere health names the cause; portiere logs api shows what it says.',
    });
  }
  const urls = addresses(stack, containers);
  const rows = work.services.map(({ name, kind }) => {
    const mine = containers.filter(({ service }) => service === name);
    const change = changes.find(({ service }) => service === name);
    const state = kind === 'job' ? 'done' : `${mine.length} running`;
    return [name, state, change?.action ?? 'unchanged', change?.cause ?? ''];
  });
  return {
    data: {
      environment: project.config.environment,
      endpoint: engine.endpoint,
      changes,
      urls,
      health: ready,
      services: Object.fromEntries(
        work.services.map(({ name }) => [name, containers.filter(({ service }) => service === name).length]),
      ),
    },
    view: [
      { header: ['service', 'state', 'was', 'because'], rows },
      [
        `${project.config.name}, environment ${project.config.environment}, is up on ${engine.endpoint}`,
        ...urls.map(({ service, url }) => `${service}: ${url}`),
      ].join('\n'),
    ],
  };
}
