import { z } from 'zod';
import type { ErrorCode, Problem } from '../errors.ts';
import {
  type ConfigDocument,
  configVersion,
  defaultMinimum,
  documentKeys,
  documentSchema,
  emptyDocument,
  environmentKeys,
  type SettingBlock,
} from './document.ts';
import { serviceNames, serviceSchema, type ServiceName, type ServiceOverrides } from './services.ts';
import { nearest } from './nearest.ts';
import { secretFileNames, settingNames } from './settings.ts';

/** A configuration file as loaded: plain data, and the line (from 1) of a key path where the loader knows it. */
export interface ConfigFile {
  readonly path: string;
  readonly data: unknown;
  readonly lineOf?: (keys: readonly string[]) => number | undefined;
}

/** A problem whose kind has an error code of its own. */
export interface CodedProblem extends Problem {
  readonly code?: ErrorCode;
}

const deepest = 64;
/** Values visited: shared ones (aliases of YAML) count each time, so that a bomb of them ends early. */
const mostValues = 10_000;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false');
const schema = documentSchema(() => scalar);

/**
 * Checks the structure of a configuration file and reads what is sound of it: unknown keys with the nearest
 * valid one, wrong types, hostile keys, nesting over 64 levels, another version. Values are checked later.
 */
export function parseConfigFile(file: ConfigFile): {
  readonly document: ConfigDocument;
  readonly problems: readonly CodedProblem[];
} {
  const nothing = emptyDocument;
  const hostile = hostileParts(file);
  if (hostile.length > 0) return { document: nothing, problems: hostile };
  if (!isRecord(file.data)) {
    return {
      document: nothing,
      problems: [{ path: file.path, reason: 'must hold keys and values, version: 1 first' }],
    };
  }
  const version = versionProblem(file, file.data['version']);
  if (version !== undefined) return { document: nothing, problems: [version] };
  const result = schema.safeParse(file.data);
  const problems = result.success ? [] : result.error.issues.flatMap((issue) => issueProblems(file, issue));
  return { document: soundParts(file.data), problems };
}

/** Where a key of a configuration file stands: `portiere.config.yaml:7 settings.API_PORT`. */
export function placeIn(file: ConfigFile, keys: readonly string[]): string {
  return [lineIn(file, keys), keys.join('.')].filter((part) => part !== '').join(' ');
}

/** The file and line of a key: `portiere.config.yaml:7`, without the line where it is unknown. */
export function lineIn(file: ConfigFile, keys: readonly string[]): string {
  const line = file.lineOf?.(keys);
  return line === undefined ? file.path : `${file.path}:${line}`;
}

function hostileParts(file: ConfigFile): Problem[] {
  let count = 0;
  const problems: Problem[] = [];
  const visit = (value: unknown, keys: readonly string[]): void => {
    if (++count > mostValues || typeof value !== 'object' || value === null) return;
    if (keys.length >= deepest) {
      if (problems.length === 0)
        problems.push({ path: file.path, reason: `nested more than ${deepest} levels deep` });
      return;
    }
    for (const [key, child] of Object.entries(value)) {
      if (forbiddenKeys.has(key)) {
        problems.push({ path: placeIn(file, [...keys, key]), reason: `the key ${key} is not allowed` });
      } else visit(child, [...keys, key]);
      if (count > mostValues) return;
    }
  };
  visit(file.data, []);
  if (count > mostValues)
    return [{ path: file.path, reason: `holds more than ${mostValues} values, aliases counted` }];
  return problems;
}

function versionProblem(file: ConfigFile, version: unknown): CodedProblem | undefined {
  if (version === configVersion) return undefined;
  const path = placeIn(file, ['version']);
  if (version === undefined) return { path, reason: 'is missing', suggestion: `version: ${configVersion}` };
  if (typeof version !== 'number' || !Number.isInteger(version)) {
    return { path, reason: 'must be a whole number', suggestion: `version: ${configVersion}` };
  }
  if (version > configVersion) {
    return {
      path,
      reason: `version ${version} is newer than this program, which reads ${configVersion}`,
      code: 'CONFIG_NEWER',
    };
  }
  return { path, reason: `version ${version} is not known`, suggestion: `version: ${configVersion}` };
}

function issueProblems(file: ConfigFile, issue: z.core.$ZodIssue): Problem[] {
  const keys = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(file, [...keys, key]));
  }
  const value = keys.reduce<unknown>((data, key) => (isRecord(data) ? data[key] : undefined), file.data);
  const expected = issue.code === 'invalid_type' ? `must be ${expectedWords(issue.expected)}` : issue.message;
  if (issue.code === 'invalid_key') {
    if (keys.at(-2) === 'services') return [unknownKey(file, keys)];
    return [{ path: placeIn(file, keys), reason: namesIn(keys.at(-2)) }];
  }
  if (issue.code === 'invalid_format') {
    return [{ path: placeIn(file, keys), reason: formatIn(keys, JSON.stringify(value), issue.message) }];
  }
  return [{ path: placeIn(file, keys), reason: expected }];
}

/** What names under a key look like. */
function namesIn(parent: string | undefined): string {
  if (parent === 'environment') return 'a variable is letters, digits, _ and ., no digit first';
  if (parent === 'waive') return 'an id is lower case letters, digits and -';
  return 'environment names are lower case letters, digits and -, at most 31';
}

function formatIn(keys: readonly string[], value: string, message: string): string {
  if (keys.at(-1) === 'image') return `${value} is not an image reference such as postgres:17-bookworm`;
  if (['engine', 'compose'].includes(keys.at(-2) ?? '') || keys.at(-2) === 'waive') return message;
  return `${value} is not a name: lower case letters, digits and -`;
}

function expectedWords(expected: string): string {
  return (
    { object: 'keys and values', record: 'keys and values', string: 'text' }[expected] ?? `a ${expected}`
  );
}

function unknownKey(file: ConfigFile, keys: readonly string[]): Problem {
  const key = keys.at(-1) ?? '';
  const parent = keys.at(-2);
  const isSetting = parent === 'settings';
  const inEnvironment = !isSetting && keys.length > 1;
  const known: readonly string[] = isSetting
    ? [...settingNames, ...secretFileNames.keys()]
    : parent === 'services'
      ? serviceNames
      : keys.at(-3) === 'services'
        ? Object.keys(serviceSchema.shape)
        : inEnvironment
          ? environmentKeys
          : documentKeys;
  const suggestion = nearest(key, known, isSetting ? 3 : 2);
  const reason = parent === 'services' ? 'is no service of the stack' : reasonOfUnknown(key, isSetting);
  return {
    path: placeIn(file, keys),
    reason,
    ...(suggestion === undefined || suggestion === key ? {} : { suggestion }),
  };
}

function reasonOfUnknown(key: string, isSetting: boolean): string {
  if (isSetting && key === 'PORTIERE_ENV')
    return 'is read before this file; write environment: at the top level instead';
  const setting = !isSetting && (settingNames as string[]).includes(key);
  return setting ? 'settings go under settings:' : `unknown ${isSetting ? 'setting' : 'key'}`;
}

function soundParts(data: Record<string, unknown>): ConfigDocument {
  const environments = isRecord(data['environments']) ? Object.entries(data['environments']) : [];
  return {
    ...(typeof data['name'] === 'string' ? { name: data['name'] } : {}),
    ...(typeof data['environment'] === 'string' ? { environment: data['environment'] } : {}),
    settings: soundSettings(data['settings']),
    environments: Object.fromEntries(
      environments.map(([name, part]) => {
        const { extends: parent, settings, services } = isRecord(part) ? part : {};
        return [
          name,
          {
            ...(typeof parent === 'string' ? { extends: parent } : {}),
            settings: soundSettings(settings),
            services: soundServices(services),
          },
        ];
      }),
    ),
    services: soundServices(data['services']),
    waive: soundReasons(data['waive']),
    minimum: {
      engine: minimumIn(data['engine']) ?? defaultMinimum.engine,
      compose: minimumIn(data['compose']) ?? defaultMinimum.compose,
    },
  };
}

function soundSettings(settings: unknown): SettingBlock {
  if (!isRecord(settings)) return {};
  const sound = Object.entries(settings).filter(([, value]) => scalar.safeParse(value).success);
  return Object.fromEntries(sound) as SettingBlock;
}

function soundServices(services: unknown): ServiceOverrides {
  if (!isRecord(services)) return {};
  const sound = serviceNames.flatMap((name) => {
    const parsed = serviceSchema.safeParse(services[name]);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return Object.fromEntries(sound) as Partial<Record<ServiceName, ServiceOverrides[ServiceName]>> as never;
}

function soundReasons(waive: unknown): Readonly<Record<string, string>> {
  if (!isRecord(waive)) return {};
  return Object.fromEntries(
    Object.entries(waive).filter(([, reason]) => typeof reason === 'string'),
  ) as Record<string, string>;
}

function minimumIn(part: unknown): string | undefined {
  return isRecord(part) && typeof part['minimum'] === 'string' ? part['minimum'] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
