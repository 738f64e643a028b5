import { PortiereError } from '../errors.ts';
import { type BaseEnvironment, isBaseEnvironment } from './base-environment.ts';
import { configVersion, environmentName, projectName } from './document.ts';
import { parseDotenv } from './dotenv.ts';
import { Secret } from './secret.ts';
import { type SettingName, settingNames, settingRow } from './settings.ts';

/** What `init` is to do to one file; `content` is the whole file as it will be. */
export interface PlannedFile {
  readonly path: string;
  readonly action: 'create' | 'append' | 'unchanged';
  readonly mode: number;
  /** A Secret where the file holds any. */
  readonly content: string | Secret;
  /** The secrets made for it, never shown. */
  readonly secretNames: readonly SettingName[];
}

export interface InitInputs {
  readonly name: string;
  readonly environment: string;
  /** For an environment of one's own, the one it extends; default: prod, the strictest. */
  readonly base?: BaseEnvironment;
  /** The files as they are; `dotenv` is the `.env.<environment>`. */
  readonly existing: { readonly config?: string; readonly gitignore?: string; readonly dotenv?: string };
  /** Random bytes, as many as asked for, from the system's generator. */
  readonly random: (bytes: number) => Uint8Array;
}

const ignored = ['.env', '.env.*', '!.env.example', '.portiere/'];
const secretBytes = 32;

/**
 * The files of a new project: the configuration, the lines of `.gitignore`, and `.env.<environment>` with the
 * secrets we can make (256 bits each). Only what is missing is added; an unreadable .env throws ENV_FILE_INVALID.
 */
export function planInit(inputs: InitInputs): readonly PlannedFile[] {
  if (!projectName.test(inputs.name)) {
    throw new PortiereError('USAGE', `${JSON.stringify(inputs.name)} cannot be a project's name.`, {
      hint: 'Use lower case letters, digits, - and _, such as my-vocabulary.',
    });
  }
  if (!environmentName.test(inputs.environment)) {
    throw new PortiereError(
      'ENVIRONMENT_UNKNOWN',
      `${JSON.stringify(inputs.environment)} cannot be an environment.`,
      {
        hint: 'Use embedded, dev, test, prod, or a name of lower case letters, digits and -.',
      },
    );
  }
  return [configFile(inputs), gitignoreFile(inputs.existing.gitignore), secretsFile(inputs)];
}

function configFile({ name, environment, base, existing }: InitInputs): PlannedFile {
  const path = 'portiere.config.yaml';
  const rest = { path, mode: 0o644, secretNames: [] };
  if (existing.config !== undefined) return { ...rest, action: 'unchanged', content: existing.config };
  const own = isBaseEnvironment(environment)
    ? undefined
    : `  ${environment}:\n    extends: ${base ?? 'prod'}\n`;
  const content = `# yaml-language-server: $schema=.portiere/portiere.schema.json
version: ${configVersion}
name: ${JSON.stringify(name)}
environment: ${environment}

# Settings of every environment; the README lists them all. Secrets belong into .env.<environment>.
# settings:
#   API_PORT: 8000
#   VOCABULARIES: SNOMED,RxNorm
#   discovery.type: single-node

${own === undefined ? exampleEnvironments : `environments:\n${own}`}`;
  return { ...rest, action: 'create', content };
}

const exampleEnvironments = `# Settings of one environment go over those above. An environment of your own extends a known one.
# environments:
#   prod:
#     settings:
#       CORS_ORIGINS: https://search.example.org
#   staging:
#     extends: prod
`;

function gitignoreFile(existing: string | undefined): PlannedFile {
  const present = new Set((existing ?? '').split('\n').map((line) => line.trim()));
  const missing = ignored.filter((line) => !present.has(line));
  const rest = { path: '.gitignore', mode: 0o644, secretNames: [] };
  if (existing !== undefined && missing.length === 0)
    return { ...rest, action: 'unchanged', content: existing };
  return { ...rest, action: actionOn(existing), content: appended(existing, missing) };
}

function secretsFile({ environment, base, existing, random }: InitInputs): PlannedFile {
  const path = `.env.${environment}`;
  const rules = isBaseEnvironment(environment) ? environment : (base ?? 'prod');
  const present = parseDotenv(existing.dotenv ?? '', path).values;
  const isSet = (name: string) => [name, `${name}_FILE`].some((key) => present.has(key));
  const isPresent = (name: SettingName) => isSet(name) || isSet(settingRow(name).pair ?? name);
  const missing = settingNames.filter(
    (name) => settingRow(name).generatedIn?.includes(rules) && !isPresent(name),
  );
  const content = appended(existing.dotenv, [
    ...(existing.dotenv === undefined
      ? [`# Secrets of the environment ${environment}: keep this file to yourself.`]
      : []),
    ...missing.map((name) => `${name}=${randomText(random)}`),
    ...(existing.dotenv === undefined ? externalSecrets(rules) : []),
  ]);
  const isDone = existing.dotenv !== undefined && missing.length === 0;
  return {
    path,
    action: isDone ? 'unchanged' : actionOn(existing.dotenv),
    mode: 0o600,
    content: new Secret(isDone ? (existing.dotenv ?? '') : content),
    secretNames: missing,
  };
}

/** What only the operator can get, commented so that the check names it until it is filled in. */
function externalSecrets(rules: BaseEnvironment): readonly string[] {
  const names = settingNames.filter((name) => {
    const { secret, generatedIn, requiredIn, pair } = settingRow(name);
    return secret && generatedIn === undefined && pair === undefined && requiredIn?.includes(rules);
  });
  return names.map((name) => `# ${settingRow(name).help}\n# ${name}=`);
}

/** 256 bits as 43 characters of A-Z a-z 0-9 _ -, which no grammar we write into needs to quote. */
function randomText(random: (bytes: number) => Uint8Array): string {
  const bytes = random(secretBytes);
  if (bytes.length !== secretBytes)
    throw new PortiereError('BUG', `Asked for ${secretBytes} random bytes, got ${bytes.length}.`);
  return Buffer.from(bytes).toString('base64url');
}

function actionOn(existing: string | undefined): 'create' | 'append' {
  return existing === undefined ? 'create' : 'append';
}

function appended(existing: string | undefined, lines: readonly string[]): string {
  const before =
    existing === undefined || existing === '' || existing.endsWith('\n') ? (existing ?? '') : `${existing}\n`;
  return `${before}${lines.map((line) => `${line}\n`).join('')}`;
}
