import { configJsonSchema } from '../config/json-schema.ts';
import { explain as explainSetting } from '../config/explain.ts';
import type { Source } from '../config/config.ts';
import { isSettingName, settingNames } from '../config/settings.ts';
import { nearest } from '../config/nearest.ts';
import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { openProject } from './context.ts';

/** Checks everything and says so; the problems come as the error. */
export async function validate(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const { config } = await openProject(ports, options);
  const from = config.file ?? 'defaults only (no config file)';
  return {
    data: { environment: config.environment, name: config.name, file: config.file ?? null },
    view: [`The configuration of ${config.environment} is valid: ${from}.`],
  };
}

/** Every setting with its value and the layer that set it. */
export async function show(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const { config } = await openProject(ports, options);
  const rows = settingNames.map((name) => {
    const source = config.provenance[name].at(-1);
    return { name, value: shown(source), layer: source?.layer ?? 'unset', location: source?.location ?? '' };
  });
  return {
    data: { environment: config.environment, name: config.name, file: config.file ?? null, settings: rows },
    view: [
      `${config.name}, environment ${config.environment}, ${config.file ?? 'no config file'}`,
      {
        header: ['setting', 'value', 'set by'],
        rows: rows.map(({ name, value, location }) => [name, value, location]),
      },
    ],
  };
}

/** One setting: its value or `[redacted]`, the layer that set it and what that overrode. */
export async function explain(ports: Ports, options: GlobalOptions & { key: string }): Promise<Outcome> {
  const name = settingNames.find((known) => known.toLowerCase() === options.key.toLowerCase()) ?? options.key;
  refuseUnknown(name);
  const { config } = await openProject(ports, options);
  const { help, sources, value, secret } = explainSetting(config, name);
  const told = value === undefined ? 'is not set' : `= ${shown(sources.at(-1))}`;
  return {
    data: {
      name,
      help,
      secret,
      environment: config.environment,
      value: value === undefined ? null : shown(sources.at(-1)),
      sources: sources.map((source) => ({
        layer: source.layer,
        location: source.location,
        value: shown(source),
      })),
    },
    view: [
      `${name} ${told}\n${help}`,
      {
        header: ['', 'layer', 'from', 'value'],
        rows: sources.map((source, index) => [
          index === sources.length - 1 ? 'holds' : 'overridden',
          source.layer,
          source.location,
          shown(source),
        ]),
      },
    ],
  };
}

/** The JSON Schema of the config file. */
export async function schema(): Promise<Outcome> {
  const text = configJsonSchema();
  return { data: text, view: [JSON.stringify(text, null, 2)] };
}

function shown(source: Source | undefined): string {
  return source === undefined ? '' : String(source.value);
}

/** An unknown name is told before the configuration is read, whatever state that is in. */
function refuseUnknown(name: string): void {
  if (isSettingName(name)) return;
  const suggestion = nearest(name.toUpperCase(), settingNames, 3);
  throw new PortiereError('SETTING_UNKNOWN', `There is no setting ${name}.`, {
    hint: suggestion === undefined ? 'List them with: portiere config show' : `Did you mean ${suggestion}?`,
  });
}
