import type { Problem } from '../errors.ts';
import type { ConfigDocument, SettingBlock } from './document.ts';
import type { DotenvFile } from './dotenv.ts';
import type { Environment, EnvironmentInputs } from './environment.ts';
import { nearest } from './nearest.ts';
import { type CodedProblem, type ConfigFile, lineIn, placeIn } from './schema.ts';
import { isSettingName, secretFileNames, type SettingName, settingNames, settingRow } from './settings.ts';

/** Everything a configuration is made from; the caller has read it all. */
export interface ConfigInputs extends EnvironmentInputs {
  readonly dotenv?: DotenvFile | undefined;
  /** The `.env.<environment>` of the chosen environment. */
  readonly dotenvEnv?: DotenvFile | undefined;
  readonly flags?:
    | {
        readonly environment?: string | undefined;
        readonly settings?: Readonly<Record<string, string | undefined>> | undefined;
        /** Rules waived on the command line, with their reasons. */
        readonly waive?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
  /** The project's name where the file gives none, usually that of its folder. */
  readonly fallbackName: string;
  /** The parsed file that PORTIERE_IMAGES names. */
  readonly imagesFile?: ConfigFile | undefined;
  /** Texts of the files that `secretFilesNeeded` lists; one that could not be read is left out. */
  readonly secretFiles?: ReadonlyMap<SettingName, string> | undefined;
}

/** Where a value comes from, weakest first; `pair` is a value taken over from the setting it must equal. */
export type Layer = 'default' | 'config' | 'dotenv' | 'dotenv-env' | 'process' | 'flag' | 'pair';

/** A value somebody gave to a setting, as text; or, `asFile`, the path of the file that holds it. */
export interface Given {
  readonly name: SettingName;
  readonly text: string;
  readonly layer: Layer;
  readonly location: string;
  /** Location and key, for problems. */
  readonly path: string;
  readonly asFile: boolean;
}

type Found = Given | CodedProblem;

/** Every value given in any layer, weakest first, and what names nothing; values are not checked. */
export function gather(
  inputs: ConfigInputs,
  document: ConfigDocument,
  environment: Environment | undefined,
): {
  readonly given: readonly Given[];
  readonly unused: readonly Given[];
  readonly problems: readonly CodedProblem[];
} {
  const chain = environment?.chain ?? [];
  const others = Object.keys(document.environments).filter((name) => !chain.includes(name));
  const blockOf = (name: string) => inEnvironment(inputs, document, name);
  const found: Found[] = [
    ...inBlock(inputs, document.settings, ['settings']),
    ...chain.flatMap(blockOf),
    ...inDotenv(inputs.dotenv, 'dotenv'),
    ...inDotenv(inputs.dotenvEnv, 'dotenv-env'),
    ...inProcess(inputs.processEnv),
    ...inFlags(inputs.flags?.settings ?? {}),
  ];
  const unused = others.flatMap(blockOf);
  return {
    given: found.filter(isGiven),
    unused: unused.filter(isGiven),
    problems: [...found, ...unused].filter((one): one is CodedProblem => !isGiven(one)),
  };
}

function isGiven(found: Found): found is Given {
  return 'layer' in found;
}

function inEnvironment(inputs: ConfigInputs, document: ConfigDocument, name: string): Found[] {
  if (!Object.hasOwn(document.environments, name)) return [];
  return inBlock(inputs, document.environments[name]?.settings ?? {}, ['environments', name, 'settings']);
}

/** Unknown names, and paths that are not text, were reported with the structure of the file. */
function inBlock({ file }: ConfigInputs, block: SettingBlock, keys: readonly string[]): Found[] {
  if (file === undefined) return [];
  return Object.entries(block).flatMap(([key, value]): Found[] => {
    const known = settingOf(key);
    if (known === undefined || settingRow(known.name).processOnly) return [];
    const path = placeIn(file, [...keys, key]);
    if (typeof value !== 'string' && known.asFile) return [];
    if (typeof value !== 'string' && settingRow(known.name).secret) {
      return [{ path, reason: 'must be text: put it in quotes, or its digits may change' }];
    }
    if (typeof value === 'number' && !isExact(value))
      return [{ path, reason: 'too large a number; put it in quotes' }];
    const location = lineIn(file, [...keys, key]);
    return [{ ...known, text: String(value), layer: 'config', location, path }];
  });
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function inDotenv(file: DotenvFile | undefined, layer: Layer): Found[] {
  if (file === undefined) return [];
  return [...file.values].flatMap(([key, { value, line }]): Found[] => {
    const location = `${file.filename}:${line}`;
    const known = settingOf(key);
    const path = `${location} ${key}`;
    if (known === undefined) return key.startsWith('X_') ? [] : [unknownName(path, key)];
    if (settingRow(known.name).processOnly) {
      const reason =
        'is read before this file; give --env, set it in the shell, or write environment: in the configuration file';
      return [{ path, reason }];
    }
    return [{ ...known, text: value, layer, location, path }];
  });
}

/** Only names of the table are read: a shell is full of others. */
function inProcess(processEnv: ConfigInputs['processEnv']): Given[] {
  return [...settingNames, ...secretFileNames.keys()].flatMap((key): Given[] => {
    const text = Object.hasOwn(processEnv, key) ? processEnv[key] : undefined;
    const known = settingOf(key);
    if (text === undefined || known === undefined || settingRow(known.name).processOnly) return [];
    const location = `environment variable ${key}`;
    return [{ ...known, text, layer: 'process', location, path: location }];
  });
}

function inFlags(settings: Readonly<Record<string, string | undefined>>): Found[] {
  return Object.entries(settings).flatMap(([key, text]): Found[] => {
    if (text === undefined) return [];
    const known = settingOf(key);
    const path = `command line ${key}`;
    if (known === undefined) return [{ ...unknownName(path, key), code: 'SETTING_UNKNOWN' }];
    if (settingRow(known.name).processOnly) return [{ path, reason: 'give --env instead' }];
    return [{ ...known, text, layer: 'flag', location: 'command line', path }];
  });
}

function settingOf(key: string): { readonly name: SettingName; readonly asFile: boolean } | undefined {
  if (isSettingName(key)) return { name: key, asFile: false };
  const name = secretFileNames.get(key);
  return name === undefined ? undefined : { name, asFile: true };
}

function unknownName(path: string, key: string): Problem {
  const suggestion = nearest(key, [...settingNames, ...secretFileNames.keys()]);
  const reason = 'unknown setting (a name of your own starts with X_)';
  return { path, reason, ...(suggestion === undefined ? {} : { suggestion }) };
}
