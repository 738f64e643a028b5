import path from 'node:path';

import { baseEnvironments } from '../config/base-environment.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { planInit, type PlannedFile } from '../config/scaffold.ts';
import { revealed } from '../config/secret.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';

export interface InitOptions extends GlobalOptions {
  readonly name?: string;
}

/** Writes a project's config, `.gitignore` lines and generated secrets; what is there stays as it is. */
export async function init(ports: Ports, options: InitOptions): Promise<Outcome> {
  const root = path.resolve(ports.caller.cwd, options.cwd ?? '.');
  const read = async (name: string): Promise<string | undefined> =>
    await ports.files.read(path.join(root, name));
  const { name, environment } = await answers(ports, options, root);
  const dotenvName = `.env.${environment}`;
  const existing = {
    config: await existingConfig(ports, root),
    gitignore: await read('.gitignore'),
    dotenv: await read(dotenvName),
  };
  const plan = planInit({
    name,
    environment,
    existing: Object.fromEntries(Object.entries(existing).filter(([, text]) => text !== undefined)),
    random: (bytes) => ports.random(bytes),
  });
  const changed = plan.filter(({ action }) => action !== 'unchanged');
  if (options.dryRun !== true) {
    for (const file of changed) {
      await ports.files.write(path.join(root, file.path), revealed(file.content), file.mode);
    }
    await ports.files.tidy(root);
    const schema = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
    await ports.files.write(path.join(root, '.portiere', 'portiere.schema.json'), schema);
  }
  return {
    data: {
      root,
      environment,
      files: plan.map(({ path: file, action, secretNames }) => ({ file, action, secretNames })),
    },
    view: [
      { header: ['file', 'action', 'secrets generated'], rows: plan.map(row) },
      changed.length === 0
        ? 'Nothing was missing.'
        : `Next: portiere up${options.cwd === undefined ? '' : ` --cwd ${options.cwd}`}`,
    ],
  };
}

/** The config's text, or where it has another name (`portiere.config.json`, `.portiererc`) what is in it. */
async function existingConfig(ports: Ports, root: string): Promise<string | undefined> {
  const text = await ports.files.read(path.join(root, 'portiere.config.yaml'));
  if (text !== undefined || !(await ports.files.exists(root))) return text;
  const found = await ports.settingsFiles.load(root, undefined);
  const here = found !== undefined && [root, path.join(root, '.config')].includes(path.dirname(found.path));
  return here ? await ports.files.read(found.path) : undefined;
}

async function answers(
  ports: Ports,
  options: InitOptions,
  root: string,
): Promise<{ name: string; environment: string }> {
  const folder = path
    .basename(root)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '');
  const suggested = options.name ?? (folder === '' ? 'portiere' : folder);
  const environment = options.env ?? ports.caller.env['PORTIERE_ENV'] ?? 'embedded';
  if (!ports.caller.interactive || options.yes === true) return { name: suggested, environment };
  return {
    name: options.name ?? (await ports.prompt.text('Name of the project', suggested)),
    environment: options.env ?? (await ports.prompt.choose('Environment', baseEnvironments, environment)),
  };
}

function row({ path: file, action, secretNames }: PlannedFile): string[] {
  return [file, action, secretNames.join(', ') || '-'];
}
