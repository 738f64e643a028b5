import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseDotenv } from '../../src/config/dotenv.ts';
import { envExample } from '../../src/config/example.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { settingsReference } from '../../src/config/reference.ts';
import { parseConfigFile } from '../../src/config/schema.ts';
import { defaultOf, settingNames, settingRow } from '../../src/config/settings.ts';

const inDotenv = settingNames.filter((name) => !name.includes('.') && !settingRow(name).processOnly);

describe('.env.example', () => {
  it('reads as it stands, with nothing set', () => {
    expect(parseDotenv(envExample(), '.env.example').values.size).toBe(0);
  });

  it('uncommented it reads back every setting with its default, secrets blank', () => {
    const uncommented = envExample()
      .replaceAll(/^# ([A-Z_]+=)/gmu, '$1')
      .replaceAll(/^KEY=.*$/gmu, '');
    const { values } = parseDotenv(uncommented, '.env.example');
    expect([...values.keys()].toSorted()).toEqual(inDotenv.toSorted());
    for (const name of inDotenv) expect(values.get(name)?.value).toBe(settingRow(name).default ?? '');
  });
});

interface JsonSchema {
  readonly $schema: string;
  readonly $defs: {
    readonly settings: { readonly properties: Record<string, { description: string; default?: unknown }> };
  };
}

describe('JSON Schema of the configuration file', () => {
  const schema = configJsonSchema() as unknown as JsonSchema;
  const { properties } = schema.$defs.settings;

  it('is draft 2020-12, the same each time, and describes every setting and NAME_FILE', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(configJsonSchema()).toEqual(schema);
    const names = settingNames.filter((name) => !settingRow(name).processOnly);
    const files = names.filter((name) => settingRow(name).secret).map((name) => `${name}_FILE`);
    expect(Object.keys(properties).toSorted()).toEqual([...names, ...files].toSorted());
    for (const name of names) {
      expect(properties[name]?.description).toContain(settingRow(name).help);
      expect(String(properties[name]?.default)).toBe(String(settingRow(name).default));
    }
    expect(properties['API_PORT']?.default).toBe(8000);
    expect(properties['PUBLISH_DATA_PORTS']?.default).toBe(false);
  });

  it('agrees with the check', () => {
    const editor = z.fromJSONSchema(schema as never);
    const documents = [
      { version: 1 },
      {
        version: 1,
        settings: { API_PORT: 8000, LOG_LEVEL: 'INFO', 'discovery.type': 'multi-node' },
        environments: { dev: {} },
      },
      { version: 2 },
      { version: 1, nope: 1 },
      { version: 1, settings: { NOPE: 1 } },
      { version: 1, environments: { Dev: {} } },
      { version: 1, environments: { dev: { extend: 'x' } } },
      { version: 1, settings: { API_PORT: [] } },
    ];
    for (const data of documents) {
      const isSound = parseConfigFile({ path: 'x', data }).problems.length === 0;
      expect({ data, ok: editor.safeParse(data).success }).toEqual({ data, ok: isSound });
    }
    expect(editor.safeParse({ version: 1, settings: { API_PORT: 0 } }).success).toBe(false);
    expect(editor.safeParse({ version: 1, settings: { LOG_LEVEL: 'info' } }).success).toBe(false);
  });
});

describe('reference', () => {
  it('has one row for each setting, well formed', () => {
    const rows = settingsReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.map((row) => row.split('`')[1])).toEqual(settingNames);
    for (const row of rows) expect(row.split(/(?<!\\)\|/u)).toHaveLength(7);
    expect(settingsReference()).toContain('| `JWT_SECRET` | dev, test, prod |  | yes |');
    expect(defaultOf('CORS_ORIGINS', 'prod')).toBeUndefined();
  });
});
