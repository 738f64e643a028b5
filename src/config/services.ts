import { z } from 'zod';

/** The services and one-shot jobs of the default stack, in the order in which they are brought up. */
export const serviceNames = [
  'postgres',
  'redis',
  'elasticsearch',
  'migrate',
  'index',
  'api',
  'celery-worker',
  'celery-beat',
  'cloud',
  'mapper',
  'proxy',
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** Services that have no public image: they are on once an image or a build context is given. */
export const ownImageServices = ['celery-worker', 'celery-beat', 'cloud', 'mapper'] as const;

/** Services that may be run by somebody else. */
export const externalServices = ['postgres', 'redis', 'elasticsearch'] as const;

/** What an image may be called: `[host[:port]/]name[:tag][@digest]`. */
export const imageReference =
  /^(?:(?=[^:/]{1,253})(?:[a-zA-Z0-9](?:[\w.-]*[a-zA-Z0-9])?)(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+|\/)[a-z0-9]+)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

const variableName = /^[A-Za-z_][A-Za-z0-9_.]*$/;
const sizeText = /^[1-9]\d{0,11}[kmgt]?$/i;

const size = z
  .union([z.string().regex(sizeText), z.int().positive()])
  .transform((given) => bytesOf(String(given)))
  .meta({ description: 'Bytes, or with a unit: 512m, 2g.' });
const cpus = z.number().positive().max(1024).meta({ description: 'Processor cores, such as 0.5.' });
const variables = z.record(
  z.string().regex(variableName),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
);
const command = z.array(z.string()).min(1);

/** What an operator may set for one service; every part is optional. */
export const serviceSchema = z.strictObject({
  enabled: z.boolean().optional().meta({ description: 'false leaves the service out.' }),
  external: z
    .boolean()
    .optional()
    .meta({ description: 'Run by somebody else: no container; host and password come from the settings.' }),
  image: z
    .string()
    .regex(imageReference)
    .optional()
    .meta({ description: 'Image reference, such as postgres:17-bookworm.' }),
  build: z
    .strictObject({
      context: z.string().min(1),
      dockerfile: z.string().min(1).optional(),
      args: variables.optional(),
    })
    .optional()
    .meta({ description: 'Build context (a folder beside this file) in place of an image.' }),
  replicas: z.int().min(0).max(100).optional(),
  command: command.optional().meta({ description: 'What the container runs, as a list of arguments.' }),
  user: z
    .string()
    .regex(/^\d{1,10}:\d{1,10}$/)
    .optional()
    .meta({ description: 'uid:gid that the container runs as.' }),
  environment: variables.optional().meta({ description: 'Extra environment variables; no secrets.' }),
  resources: z
    .strictObject({
      cpus: cpus.optional(),
      memory: size.optional(),
      pids: z.int().min(16).max(1_000_000).optional(),
      reserve: z.strictObject({ cpus: cpus.optional(), memory: size.optional() }).optional(),
    })
    .optional()
    .meta({ description: 'Limits, and under reserve what is kept free for it.' }),
  healthcheck: command
    .optional()
    .meta({ description: 'Probe in place of the built-in one, as a list of arguments; exit 0 is healthy.' }),
  profiles: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/))
    .optional()
    .meta({ description: 'Only brought up with one of these profiles: --profile NAME.' }),
  startTimeout: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .meta({ description: 'Seconds that `up` waits for the service.' }),
});

export type ServiceOverride = z.output<typeof serviceSchema>;
export type ServiceOverrides = Readonly<Partial<Record<ServiceName, ServiceOverride>>>;

/** `services:` of a configuration file: overrides by service. */
export const servicesSchema = z.partialRecord(z.enum(serviceNames), serviceSchema).meta({
  id: 'services',
  description: 'What differs from the default stack, by service.',
});

export function isServiceName(name: string): name is ServiceName {
  return (serviceNames as readonly string[]).includes(name);
}

/** Lays overrides over one another, the later ones on top; environments and resources merge by key. */
export function mergeOverrides(layers: readonly ServiceOverrides[]): ServiceOverrides {
  const merged: Partial<Record<ServiceName, ServiceOverride>> = {};
  for (const layer of layers) {
    for (const name of serviceNames) {
      const next = layer[name];
      if (next !== undefined) merged[name] = mergeOverride(merged[name] ?? {}, next);
    }
  }
  return merged;
}

function mergeOverride(before: ServiceOverride, next: ServiceOverride): ServiceOverride {
  const { image: _image, build: _build, ...rest } = before;
  // An image and a build context exclude each other: the later one holds.
  const kept = next.image === undefined && next.build === undefined ? before : rest;
  return {
    ...kept,
    ...next,
    ...(before.environment === undefined && next.environment === undefined
      ? {}
      : { environment: { ...before.environment, ...next.environment } }),
    ...(before.resources === undefined && next.resources === undefined
      ? {}
      : { resources: { ...before.resources, ...next.resources } }),
  };
}

/** Bytes of a size such as 512m or 2g. */
export function bytesOf(text: string): number {
  const [, digits, unit] = /^(\d+)([kmgt]?)$/i.exec(text) ?? [];
  return Number(digits ?? 'NaN') * 1024 ** ' kmgt'.indexOf((unit ?? '').toLowerCase() || ' ');
}
