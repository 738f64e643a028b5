import path from 'node:path';

import type { Config } from '../config/config.ts';
import { requireConfig } from '../config/resolve.ts';
import { secretsIn } from '../config/secret.ts';
import { PortiereError } from '../errors.ts';
import type { DatabaseTarget, GlobalOptions, Ports } from '../ports.ts';
import { readConfig, type SettingFlags } from './read-config.ts';

/** A project with its checked configuration and the places where its state lies. */
export interface Project {
  readonly config: Config;
  /** The config file's folder; without one, the chosen folder. */
  readonly root: string;
  /** `.portiere/<environment>`. */
  readonly state: string;
  /** Lease that commands which change this environment work under. */
  readonly operationLease: string;
  /** FAISS_INDEX_PATH, absolute. */
  readonly pointer: string;
  readonly database: DatabaseTarget;
  /** A path from the settings, which resolves against the project's folder. */
  readonly resolve: (file: string) => string;
}

/** Reads and checks the configuration; every problem at once, before anything else happens. */
export async function openProject(
  ports: Ports,
  options: GlobalOptions,
  flags: SettingFlags = {},
): Promise<Project> {
  const { root, resolved } = await readConfig(ports, options, {
    folder: await projectFolder(ports, options),
    flags,
  });
  const config = requireConfig(resolved);
  ports.reporter.hide(secretsIn(config));
  const { settings } = config;
  const pointer = path.resolve(root, settings.FAISS_INDEX_PATH);
  // Processes inside a stack share what lies on the index volume, and nothing else.
  const state =
    config.inside === null
      ? path.join(root, '.portiere', config.environment)
      : path.join(path.dirname(pointer), '.portiere');
  return {
    config,
    root,
    state,
    operationLease: path.join(state, 'operation.lease'),
    pointer,
    database:
      config.base === 'embedded'
        ? { kind: 'embedded', folder: path.join(state, 'postgres') }
        : {
            kind: 'server',
            host: settings.DB_HOST,
            port: settings.DB_PORT,
            database: settings.DB_NAME,
            user: settings.DB_USER,
            password: settings.DB_PASSWORD?.reveal(),
          },
    resolve: (file) => path.resolve(root, file),
  };
}

/** The folder that the project is looked for in: `--cwd`, or where the caller stands. */
export async function projectFolder(ports: Ports, options: GlobalOptions): Promise<string> {
  if (options.cwd === undefined) return ports.caller.cwd;
  const folder = path.resolve(ports.caller.cwd, options.cwd);
  if (await ports.files.exists(folder)) return folder;
  throw new PortiereError('USAGE', `There is no folder ${folder}.`, {
    hint: `Create it, or write a project there with: portiere init --cwd ${options.cwd}`,
  });
}

/** Runs work under the environment's operation lease; LOCKED names who has it. */
export async function underLease<T>(
  ports: Ports,
  project: Project,
  command: string,
  work: () => Promise<T>,
): Promise<T> {
  const lease = await ports.leases.take(project.operationLease, command);
  const lost = new Promise<never>((_, reject) => {
    lease.lost.addEventListener('abort', () => {
      reject(lease.lost.reason as PortiereError);
    });
  });
  try {
    return await Promise.race([work(), lost]);
  } finally {
    await lease.release();
  }
}

/** Whether an environment runs as containers and we stand outside of them. */
export function isStack({ config }: Project): boolean {
  return config.base !== 'embedded' && config.inside === null;
}

/**
 * Whether jobs on the data run in containers of the stack: its own Postgres can be reached from nowhere else, and one
 * declared external belongs to a stack. A server that is merely named by DB_HOST is worked on from here.
 */
export function hasJobsInside(project: Project): boolean {
  const { settings, services } = project.config;
  return isStack(project) && (settings.DB_HOST === 'postgres' || services.postgres?.external === true);
}
