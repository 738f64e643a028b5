import { type ErrorCode, PortiereError, type Problem } from '../errors.ts';
import type { Config, Draft, Source } from './config.ts';
import { type ConfigDocument, emptyDocument, projectName } from './document.ts';
import { type Environment, extendsProblems, selectEnvironment } from './environment.ts';
import { type ConfigInputs, type Given, gather } from './layers.ts';
import { ruleProblems } from './rules.ts';
import { type CodedProblem, parseConfigFile } from './schema.ts';
import { layServices } from './service-layers.ts';
import { Secret } from './secret.ts';
import { secretFileProblems, secretsFromFiles, unreadSecrets } from './secret-files.ts';
import { defaultOf, type SettingName, settingNames, settingRow } from './settings.ts';

/** A configuration, or every problem that keeps it from being one, with the error code that fits them all. */
export type Resolved =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly code: ErrorCode; readonly problems: readonly Problem[] };

/**
 * Makes the configuration of the chosen environment: defaults < configuration file (`settings`, then those
 * of the ancestors, then those of the environment) < `.env` < `.env.<environment>` < process < flags.
 */
export function resolveConfig(inputs: ConfigInputs): Resolved {
  const { document, problems: structure } =
    inputs.file === undefined ? { document: emptyDocument, problems: [] } : parseConfigFile(inputs.file);
  const selected = selectEnvironment(inputs, document);
  const gathered = gather(inputs, document, selected.environment);
  const given = secretsFromFiles(gathered.given, inputs);
  const problems: CodedProblem[] = [
    ...structure,
    ...(inputs.file === undefined ? [] : extendsProblems(inputs.file, document)),
    ...(selected.problem === undefined ? [] : [selected.problem]),
    ...gathered.problems,
    ...secretFileProblems(gathered.given, inputs),
    ...[...given, ...gathered.unused].flatMap(valueProblem),
  ];
  if (selected.environment === undefined) return failed(problems);
  const stack = layServices(document, selected.environment.chain, inputs.imagesFile);
  problems.push(...stack.problems);
  const draft: Draft = {
    ...assemble(inputs, document, selected.environment, given),
    services: stack.services,
    images: stack.images,
  };
  const unread: readonly string[] = unreadSecrets(gathered.given, inputs);
  problems.push(...ruleProblems(draft).filter(({ path }) => !unread.includes(path)));
  return problems.length > 0 ? failed(problems) : { ok: true, config: draft as Config };
}

/** The configuration of a result, or its problems as the error to throw. */
export function requireConfig(resolved: Resolved): Config {
  if (resolved.ok) return resolved.config;
  const { code, problems } = resolved;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new PortiereError(code, `The configuration has ${count}.`, {
    hint:
      code === 'CONFIG_NEWER'
        ? 'Install the portiere that wrote this configuration, or a newer one.'
        : 'Correct them and run `portiere config validate`; nothing was changed.',
    problems,
  });
}

/** One kind of problem alone keeps its own code. */
function failed(problems: readonly CodedProblem[]): Resolved {
  const codes = new Set(problems.map(({ code }) => code ?? 'CONFIG_INVALID'));
  const [only] = codes;
  const plain = problems.map(({ path, reason, suggestion }) => ({
    path,
    reason,
    ...(suggestion === undefined ? {} : { suggestion }),
  }));
  return {
    ok: false,
    code: codes.size === 1 && only !== undefined ? only : 'CONFIG_INVALID',
    problems: plain,
  };
}

function valueProblem({ name, text, path, asFile }: Given): Problem[] {
  const { kind, secret } = settingRow(name);
  if (asFile || (secret && text === '')) return [];
  const result = kind.schema.safeParse(text);
  if (result.success) return [];
  const shown = secret ? '' : `, not ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}`;
  const suggestion = secret ? undefined : kind.meant?.(text);
  const reason = `${result.error.issues[0]?.message ?? 'is invalid'}${shown}`;
  return [{ path, reason, ...(suggestion === undefined ? {} : { suggestion }) }];
}

function assemble(
  inputs: ConfigInputs,
  document: ConfigDocument,
  environment: Environment,
  given: readonly Given[],
): Omit<Draft, 'services' | 'images'> {
  const { name, base, chosenBy } = environment;
  const provenance = Object.fromEntries(
    settingNames.map((setting) => [setting, sourcesOf(setting, environment, given)]),
  ) as unknown as Record<SettingName, readonly Source[]>;
  const settings: Record<string, unknown> = {};
  for (const setting of settingNames) settings[setting] = valueOf(setting, provenance[setting].at(-1));
  return {
    environment: name,
    base,
    chosenBy,
    name: document.name ?? asProjectName(inputs.fallbackName),
    file: inputs.file?.path,
    settings: settings,
    provenance,
    waive: { ...document.waive, ...inputs.flags?.waive },
    minimum: document.minimum,
    inside: inputs.processEnv['PORTIERE_SERVICE'] || null,
  };
}

const environmentLocations = {
  flag: 'command line',
  process: 'environment variable PORTIERE_ENV',
  config: 'environment: in the configuration file',
};

function sourcesOf(name: SettingName, environment: Environment, given: readonly Given[]): readonly Source[] {
  const row = settingRow(name);
  const shown = (text: string) => (row.secret ? new Secret(text) : text);
  const fallback = defaultOf(name, environment.base);
  const sources: Source[] =
    fallback === undefined
      ? []
      : [{ layer: 'default', location: 'default', path: name, value: shown(fallback) }];
  if (name === 'PORTIERE_ENV' && environment.chosenBy !== 'default') {
    const location = environmentLocations[environment.chosenBy];
    sources.push({ layer: environment.chosenBy, location, path: location, value: environment.name });
  }
  const own = given.filter((one) => one.name === name);
  const paired = own.length === 0 ? given.findLast((one) => one.name === row.pair) : undefined;
  return [
    ...sources,
    ...own.map(({ layer, location, path, text }) => ({ layer, location, path, value: shown(text) })),
    ...(paired === undefined
      ? []
      : [
          {
            layer: 'pair' as const,
            location: `${paired.name} (${paired.location})`,
            path: paired.path,
            value: shown(paired.text),
          },
        ]),
  ];
}

function valueOf(name: SettingName, source: Source | undefined): unknown {
  if (source === undefined) return undefined;
  const { kind } = settingRow(name);
  if (source.value instanceof Secret) {
    const text = source.value.reveal();
    return text !== '' && kind.schema.safeParse(text).success ? source.value : undefined;
  }
  const result = kind.schema.safeParse(source.value);
  return result.success ? result.data : undefined;
}

/** A folder may be called anything; the project's name goes into labels and container names. */
function asProjectName(fallback: string): string {
  const name = fallback
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 63);
  return projectName.test(name) ? name : 'portiere';
}
