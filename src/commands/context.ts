import path from 'node:path';

import type { Config } from '../config/config.ts';
import { parseDotenv } from '../config/dotenv.ts';
import { chooseEnvironment } from '../config/environment.ts';
import type { ConfigInputs } from '../config/layers.ts';
import { requireConfig, resolveConfig, type Resolved } from '../config/resolve.ts';
import { secretFilesNeeded } from '../config/secret-files.ts';
import { secretsIn } from '../config/secret.ts';
import type { SettingName } from '../config/settings.ts';
import { PortiereError } from '../errors.ts';
import type { DatabaseTarget, GlobalOptions, Ports } from '../ports.ts';

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

export type SettingFlags = Readonly<Partial<Record<SettingName, string | undefined>>>;

/** Reads and checks the configuration; every problem at once, before anything else happens. */
export async function openProject(
  ports: Ports,
  options: GlobalOptions,
  flags: SettingFlags = {},
): Promise<Project> {
  const { root, resolved } = await resolveProject(ports, options, flags);
  const config = requireConfig(resolved);
  ports.reporter.hide(secretsIn(config));
  const state = path.join(root, '.portiere', config.environment);
  const { settings } = config;
  return {
    config,
    root,
    state,
    operationLease: path.join(state, 'operation.lease'),
    pointer: path.resolve(root, settings.FAISS_INDEX_PATH),
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

/** The configuration or its problems, and the project's folder. */
export async function resolveProject(
  ports: Ports,
  options: GlobalOptions,
  flags: SettingFlags = {},
): Promise<{ readonly root: string; readonly resolved: Resolved }> {
  const folder = await projectFolder(ports, options);
  const explicit = options.config === undefined ? undefined : path.resolve(ports.caller.cwd, options.config);
  const file = await ports.settingsFiles.load(folder, explicit);
  const root = file === undefined ? folder : rootOf(file.path);
  const first: ConfigInputs = {
    file,
    processEnv: ports.caller.env,
    flags: { environment: options.env, settings: flags },
    fallbackName: path.basename(root),
  };
  const environment = chooseEnvironment(first);
  const inputs: ConfigInputs = {
    ...first,
    dotenv: await readDotenv(ports, root, '.env'),
    dotenvEnv: await readDotenv(ports, root, `.env.${environment.name}`),
  };
  const secretFiles = new Map<SettingName, string>();
  for (const needed of secretFilesNeeded(inputs)) {
    const text = await ports.files.read(path.resolve(root, needed.path)).catch(() => undefined);
    if (text !== undefined) secretFiles.set(needed.name, text);
  }
  return { root, resolved: resolveConfig({ ...inputs, secretFiles }) };
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
  try {
    return await work();
  } finally {
    await lease.release();
  }
}

/** Refuses, until it can, to act on an environment that runs elsewhere than in this machine's own process. */
export function requireEmbedded(project: Project, command: string): void {
  if (project.config.base === 'embedded') return;
  throw new PortiereError(
    'ENVIRONMENT_UNSUPPORTED',
    `\`${command}\` works on the embedded environment; ${project.config.environment} is not one.`,
    { hint: `Run it with --env embedded, or leave --env out.` },
  );
}

async function readDotenv(ports: Ports, root: string, name: string): Promise<ConfigInputs['dotenv']> {
  const file = path.join(root, name);
  const text = await ports.files.read(file);
  if (text === undefined) return undefined;
  const mode = await ports.files.mode(file);
  if (name !== '.env' && mode !== undefined && (mode & 0o077) !== 0) {
    ports.reporter.warn(`${name} may be read by others (mode 0${mode.toString(8)}); run: chmod 600 ${name}`);
  }
  return parseDotenv(text, name);
}

function rootOf(file: string): string {
  const folder = path.dirname(file);
  return path.basename(folder) === '.config' ? path.dirname(folder) : folder;
}
