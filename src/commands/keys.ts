import os from 'node:os';

import { PortiereError } from '../errors.ts';
import type { Database, GlobalOptions, Outcome, Ports } from '../ports.ts';
import { hashSecret, newApiKey, writeApiKey } from '../search/api/api-key.ts';
import { type Actor, insertKey, type KeyRecord, listKeys, revokeKey } from '../search/api/key-store.ts';
import { hasJobsInside, openProject, type Project } from './context.ts';
import { look, withDatabase } from './migrate.ts';

export interface KeyCreateOptions extends GlobalOptions {
  readonly name: string;
  /** Days. */
  readonly expires?: number;
}

const day = 86_400_000;

/** Makes an API key and shows it, this once: only an HMAC of it is stored. */
export async function create(ports: Ports, options: KeyCreateOptions): Promise<Outcome> {
  const name = keyName(options.name);
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) {
    const expires = options.expires === undefined ? [] : ['--expires', String(options.expires)];
    return await inStack(ports, options, { project, argv: ['create', '--name', name, ...expires] });
  }
  const { environment, settings } = project.config;
  const salt = settings.API_KEY_SALT?.reveal() ?? '';
  if (salt === '') {
    throw new PortiereError('CONFIG_INVALID', 'API_KEY_SALT is not set, so no key can be made.', {
      hint: `Make one with: portiere init --env ${environment} --yes`,
    });
  }
  const expiresAt = options.expires === undefined ? null : expiry(ports, options.expires);
  const until = expiresAt === null ? 'for good' : `until ${expiresAt.toISOString()}`;
  if (options.dryRun === true) {
    return {
      data: { would_create: { name, expires_at: expiresAt } },
      view: [`Would create the key ${name}, ${until}.`],
    };
  }
  const key = newApiKey(environment, (bytes) => ports.random(bytes));
  await withKeys(ports, project, 'keys create', async (database) => {
    const hash = hashSecret(salt, key.secret);
    await insertKey(database, { id: key.id, name, hash, expiresAt }, actorOn(ports, project));
  });
  ports.reporter.note(`Key ${key.id} (${name}) is valid ${until}. Keep it: it is not shown again.`);
  return {
    data: { key_id: key.id, name, environment, expires_at: expiresAt, key: writeApiKey(key) },
    view: [writeApiKey(key)],
  };
}

/** Every key and its state; secrets are not stored, so none is shown. */
export async function list(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) return await inStack(ports, options, { project, argv: ['list'] });
  const keys = await withKeys(ports, project, 'keys list', listKeys);
  const now = ports.clock.now();
  const date = (time: Date | null): string => time?.toISOString() ?? '';
  return {
    data: { keys: keys.map((key) => ({ ...key, state: stateOf(key, now) })) },
    view: [
      keys.length === 0
        ? 'There are no keys. Make one with: portiere keys create --name NAME'
        : {
            header: ['key', 'name', 'state', 'created', 'expires', 'revoked'],
            rows: keys.map((key) => [
              key.key_id,
              key.name,
              stateOf(key, now),
              date(key.created_at),
              date(key.expires_at),
              date(key.revoked_at),
            ]),
          },
    ],
  };
}

/** Revokes a key for good; the API stops to accept it within 5 s. */
export async function revoke(
  ports: Ports,
  options: GlobalOptions & { readonly id: string },
): Promise<Outcome> {
  const { id } = options;
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) return await inStack(ports, options, { project, argv: ['revoke', options.id] });
  const key = await withKeys(ports, project, 'keys revoke', async (database) =>
    options.dryRun === true
      ? (await listKeys(database)).find(({ key_id }) => key_id === id)
      : await revokeKey(database, id, actorOn(ports, project)),
  );
  if (key === undefined) {
    throw new PortiereError('KEY_UNKNOWN', `There is no key ${id} in ${project.config.environment}.`, {
      hint: 'The id is the part after the environment: prt_<environment>_<id>_...; see: portiere keys list',
    });
  }
  if (options.dryRun === true) {
    return { data: { would_revoke: id }, view: [`Would revoke the key ${id} (${key.name}).`] };
  }
  return {
    data: { key_id: id, name: key.name, revoked_at: key.revoked_at },
    view: [`Revoked the key ${id} (${key.name}). It is refused within 5 seconds.`],
  };
}

async function withKeys<T>(
  ports: Ports,
  project: Project,
  command: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  return await withDatabase(ports, project, command, async (database) => {
    const { pending } = await look(ports, database);
    if (pending.some(({ name }) => /^000[1-4]_/.test(name))) {
      throw new PortiereError('MIGRATION_GAP', `${database.description} has no table for keys yet.`, {
        hint: 'Bring its schema up to date with: portiere migrate up',
      });
    }
    return await work(database);
  });
}

function keyName(given: string): string {
  if (/^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,63}$/u.test(given)) return given;
  throw new PortiereError('USAGE', `${JSON.stringify(given.slice(0, 80))} is no name for a key.`, {
    hint: 'Up to 64 letters, digits, spaces and . _ @ + -, such as: --name "team a"',
  });
}

function expiry(ports: Ports, days: number): Date {
  if (days >= 1 && days <= 36_500) return new Date(ports.clock.now().getTime() + days * day);
  throw new PortiereError('USAGE', `A key cannot be valid for ${days} days.`, {
    hint: 'Give 1 to 36500 days, or leave --expires out.',
  });
}

function stateOf({ expires_at, revoked_at }: KeyRecord, now: Date): 'valid' | 'expired' | 'revoked' {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && expires_at <= now ? 'expired' : 'valid';
}

function actorOn(ports: Ports, { config }: Project): Actor {
  // A job inside a stack is told on whose behalf it runs.
  const given = config.inside === null ? undefined : ports.caller.env['PORTIERE_ACTOR'];
  return { actor: given ?? actorName(), environment: config.environment };
}

function actorName(): string {
  return `${userName()}@${os.hostname()}`;
}

/** In a container a user may have a number and no name. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return 'unknown';
  }
}

async function inStack(
  ports: Ports,
  options: GlobalOptions,
  { project, argv }: { readonly project: Project; readonly argv: readonly string[] },
): Promise<Outcome> {
  const request = {
    argv: ['keys', ...argv],
    changes: argv[0] !== 'list',
    environment: { PORTIERE_ACTOR: actorName() },
  };
  return await (await import('./stack/job.ts')).runInStack(ports, options, { project, request });
}
