import { createHash } from 'node:crypto';

import { PortiereError } from '../errors.ts';
import type { Service } from '../stack/model.ts';
import { bodyOf } from './header.ts';
import type { RenderedFile } from './target.ts';

/** What a container is made of: field -> 8 hex digits of its value. */
export type Fields = Readonly<Record<string, string>>;

/** The fields of a service whose change makes its containers anew; how many there are, and their order, is not among them. */
export function fieldsOf(service: Service, files: readonly RenderedFile[]): Fields {
  const { image, resources } = service;
  const { reference, build } = image;
  const variables = Object.entries(service.environment).map(([name, value]) => [`env.${name}`, value]);
  const inputs = Object.entries(service.inputs).map(([name, value]) => {
    const use = service.secrets.find(({ secret }) => name === `secret ${secret}`);
    return [name, use === undefined ? value : [value, use.path]];
  });
  const mounted = service.mounts.flatMap((mount) =>
    mount.kind === 'rendered' ? [[`file ${mount.file}`, textOf(mount.file, files)]] : [],
  );
  const fields = {
    image: reference,
    build: build === null ? null : [build.context, build.dockerfile, build.arguments],
    entrypoint: service.entrypoint,
    command: service.command,
    workingFolder: service.workingFolder,
    ports: service.ports,
    networks: service.networks,
    mounts: service.mounts,
    healthcheck: service.healthcheck,
    'resources.cpus': resources.cpus,
    'resources.memory': resources.memory,
    'resources.pids': resources.pids,
    'resources.reserve': resources.reserve,
    restart: service.restart,
    logs: service.logs,
    security: service.security,
    init: service.init,
    stopGrace: service.stopGrace,
    ...(Object.fromEntries([...variables, ...inputs, ...mounted]) as Record<string, unknown>),
  };
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => [name, digest(canonical(value)).slice(0, 8)]),
  );
}

/** 12 hex digits over all fields. */
export function hashOf(fields: Fields): string {
  return digest(canonical(fields)).slice(0, 12);
}

/** What differs between two sets of fields, in words such as `environment LOG_LEVEL` or `memory limit`; sorted. */
export function changedFields(before: Fields, after: Fields): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => before[name] !== after[name])
    .map((name) => words[name] ?? name.replace(/^env\./, 'environment '))
    .sort();
}

const words: Readonly<Record<string, string>> = {
  workingFolder: 'working folder',
  'resources.cpus': 'CPU limit',
  'resources.memory': 'memory limit',
  'resources.pids': 'process limit',
  'resources.reserve': 'reservations',
  restart: 'restart policy',
  logs: 'log limits',
  stopGrace: 'stop grace',
};

function textOf(path: string, files: readonly RenderedFile[]): string {
  const content = files.find((file) => file.path === path)?.content;
  if (typeof content === 'string') return bodyOf(content);
  throw new PortiereError('BUG', `${path} is mounted but not rendered.`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON whose keys are sorted, so that only a change of a value is one. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
