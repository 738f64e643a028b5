import { PortiereError } from '../errors.ts';
import { type BaseEnvironment, baseEnvironments, isBaseEnvironment } from './base-environment.ts';
import { type ConfigDocument, environmentName } from './document.ts';
import { nearest } from './nearest.ts';
import { type CodedProblem, type ConfigFile, parseConfigFile, placeIn } from './schema.ts';

/** What decides on the environment, strongest first: flag, PORTIERE_ENV, the configuration file, `embedded`. */
export interface EnvironmentInputs {
  readonly file?: ConfigFile | undefined;
  readonly processEnv: Readonly<Record<string, string | undefined>>;
  readonly flags?: { readonly environment?: string | undefined } | undefined;
}

/** An environment and what it stands on; `chain` runs from the farthest ancestor to the environment itself. */
export interface Environment {
  readonly name: string;
  readonly base: BaseEnvironment;
  readonly chain: readonly string[];
  readonly chosenBy: 'flag' | 'process' | 'config' | 'default';
}

/** The environment to work on, so that its `.env.<name>` can be read; an unknown one throws ENVIRONMENT_UNKNOWN. */
export function chooseEnvironment(inputs: EnvironmentInputs): Environment {
  const document = inputs.file === undefined ? undefined : parseConfigFile(inputs.file).document;
  const { environment, problem } = selectEnvironment(inputs, document);
  if (environment !== undefined) return environment;
  const known = [...new Set([...baseEnvironments, ...Object.keys(document?.environments ?? {})])];
  const { reason, suggestion } = problem;
  throw new PortiereError('ENVIRONMENT_UNKNOWN', `${problem.path}: ${reason}.`, {
    hint: suggestion === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${suggestion}?`,
    problems: [problem],
  });
}

type Selected =
  | { readonly environment: Environment; readonly problem?: undefined }
  | { readonly environment?: undefined; readonly problem: CodedProblem };

/** Like `chooseEnvironment`, over a parsed document and with a problem in place of an error. */
export function selectEnvironment(inputs: EnvironmentInputs, document: ConfigDocument | undefined): Selected {
  const { name, chosenBy, path } = choice(inputs, document);
  const environments = document?.environments ?? {};
  const known = [...new Set([...baseEnvironments, ...Object.keys(environments)])];
  if (!environmentName.test(name) || !known.includes(name)) {
    const suggestion = nearest(name, known);
    const reason = `there is no environment ${JSON.stringify(name.slice(0, 40))}`;
    return {
      problem: {
        path,
        reason,
        code: 'ENVIRONMENT_UNKNOWN',
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    };
  }
  const ancestry = chainOf(name, environments);
  if ('reason' in ancestry) return { problem: { path, ...ancestry, code: 'ENVIRONMENT_UNKNOWN' } };
  return { environment: { name, chosenBy, ...ancestry } };
}

/** Problems of every `extends` in a configuration file: unknown parents, none at all, cycles. */
export function extendsProblems(file: ConfigFile, document: ConfigDocument): readonly CodedProblem[] {
  return Object.keys(document.environments).flatMap((name) => {
    const ancestry = chainOf(name, document.environments);
    return 'reason' in ancestry ? [{ path: placeIn(file, ['environments', name]), ...ancestry }] : [];
  });
}

function choice(
  { file, processEnv, flags }: EnvironmentInputs,
  document: ConfigDocument | undefined,
): { name: string; chosenBy: Environment['chosenBy']; path: string } {
  if (flags?.environment !== undefined) return { name: flags.environment, chosenBy: 'flag', path: '--env' };
  const variable = processEnv['PORTIERE_ENV'];
  if (variable !== undefined && variable !== '') {
    return { name: variable, chosenBy: 'process', path: 'environment variable PORTIERE_ENV' };
  }
  if (file !== undefined && document?.environment !== undefined) {
    return { name: document.environment, chosenBy: 'config', path: placeIn(file, ['environment']) };
  }
  return { name: 'embedded', chosenBy: 'default', path: 'default' };
}

function chainOf(
  name: string,
  environments: ConfigDocument['environments'],
): { base: BaseEnvironment; chain: readonly string[] } | { reason: string; suggestion?: string } {
  const chain: string[] = [];
  let base: BaseEnvironment | undefined;
  let current: string | undefined = name;
  while (current !== undefined) {
    if (chain.includes(current)) {
      return { reason: `extends itself: ${[...chain.toReversed(), current].join(' -> ')}` };
    }
    chain.unshift(current);
    if (base === undefined && isBaseEnvironment(current)) base = current;
    const parent: string | undefined = Object.hasOwn(environments, current)
      ? environments[current]?.extends
      : undefined;
    if (parent !== undefined && !isBaseEnvironment(parent) && !Object.hasOwn(environments, parent)) {
      const suggestion = nearest(parent, [...baseEnvironments, ...Object.keys(environments)]);
      return {
        reason: `${current} extends ${parent}, which is unknown`,
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    }
    current = parent;
  }
  if (base === undefined) {
    return { reason: `${chain[0] ?? name} needs extends: one of ${baseEnvironments.join(', ')}` };
  }
  return { base, chain };
}
