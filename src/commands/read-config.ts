import path from 'node:path';

import { inspectDotenv } from '../config/dotenv.ts';
import { chooseEnvironment } from '../config/environment.ts';
import type { ConfigInputs } from '../config/layers.ts';
import { type Resolved, resolveConfig } from '../config/resolve.ts';
import { imagesFileNeeded, secretFilesNeeded } from '../config/secret-files.ts';
import type { SettingName } from '../config/settings.ts';
import { PortiereError, type Problem } from '../errors.ts';
import type { GlobalOptions, Ports } from '../ports.ts';

export type SettingFlags = Readonly<Partial<Record<SettingName, string | undefined>>>;

interface Read {
  /** The config file's folder; without one, the folder it was looked for in. */
  readonly root: string;
  readonly resolved: Resolved;
}

/** Reads every layer of the configuration and resolves it; all problems of all files at once. */
export async function readConfig(
  ports: Ports,
  options: GlobalOptions,
  { folder, flags }: { readonly folder: string; readonly flags: SettingFlags },
): Promise<Read> {
  const explicit = options.config === undefined ? undefined : path.resolve(ports.caller.cwd, options.config);
  const file = await ports.settingsFiles.load(folder, explicit);
  const root = file === undefined ? folder : rootOf(file.path);
  const first: ConfigInputs = {
    file,
    processEnv: ports.caller.env,
    flags: { environment: options.env, settings: flags, waive: waivers(options.waive ?? []) },
    fallbackName: path.basename(root),
  };
  const faults: Problem[] = [];
  const environment = knownEnvironment(first);
  const inputs: ConfigInputs = {
    ...first,
    dotenv: await readDotenv(ports, root, { name: '.env', faults }),
    dotenvEnv:
      environment === undefined
        ? undefined
        : await readDotenv(ports, root, { name: `.env.${environment}`, faults }),
  };
  const images = imagesFileNeeded(inputs);
  const resolved = resolveConfig({
    ...inputs,
    secretFiles: await readSecretFiles(ports, root, inputs),
    imagesFile:
      images === undefined ? undefined : await ports.settingsFiles.load(root, path.resolve(root, images)),
  });
  return { root, resolved: withFaults(resolved, faults) };
}

/** `id=reason` as given on the command line. */
function waivers(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [id = '', ...reason] = text.split('=');
      if (/^[a-z][a-z0-9-]{1,40}$/.test(id) && reason.join('=').trim().length >= 8) {
        return [id, reason.join('=').trim()];
      }
      throw new PortiereError('USAGE', `--waive ${JSON.stringify(text)} names no check and its reason.`, {
        hint: 'Write it like --waive "memory=two services never run at once"; a reason has 8 characters or more.',
      });
    }),
  );
}

/** An unknown environment is one of the problems that resolving reports; here it only means no `.env.<name>`. */
function knownEnvironment(inputs: ConfigInputs): string | undefined {
  try {
    return chooseEnvironment(inputs).name;
  } catch (error) {
    if (error instanceof PortiereError && error.code === 'ENVIRONMENT_UNKNOWN') return undefined;
    throw error;
  }
}

async function readDotenv(
  ports: Ports,
  root: string,
  { name, faults }: { readonly name: string; readonly faults: Problem[] },
): Promise<ConfigInputs['dotenv']> {
  const file = path.join(root, name);
  const text = await ports.files.read(file);
  if (text === undefined) return undefined;
  const mode = await ports.files.mode(file);
  if (name !== '.env' && mode !== undefined && (mode & 0o077) !== 0) {
    ports.reporter.warn(`${name} may be read by others (mode 0${mode.toString(8)}); run: chmod 600 ${name}`);
  }
  const { file: read, problems } = inspectDotenv(text, name);
  faults.push(...problems);
  return read;
}

async function readSecretFiles(
  ports: Ports,
  root: string,
  inputs: ConfigInputs,
): Promise<ReadonlyMap<SettingName, string>> {
  const texts = new Map<SettingName, string>();
  for (const needed of secretFilesNeeded(inputs)) {
    const text = await ports.files.read(path.resolve(root, needed.path)).catch(() => undefined);
    if (text !== undefined) texts.set(needed.name, text);
  }
  return texts;
}

function withFaults(resolved: Resolved, faults: readonly Problem[]): Resolved {
  if (faults.length === 0) return resolved;
  if (resolved.ok) return { ok: false, code: 'ENV_FILE_INVALID', problems: faults };
  return { ok: false, code: 'CONFIG_INVALID', problems: [...faults, ...resolved.problems] };
}

function rootOf(file: string): string {
  const folder = path.dirname(file);
  return path.basename(folder) === '.config' ? path.dirname(folder) : folder;
}
