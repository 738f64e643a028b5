import { webcrypto } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseDotenv } from '../../src/config/dotenv.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { planInit, type InitInputs, type PlannedFile } from '../../src/config/scaffold.ts';
import { revealed } from '../../src/config/secret.ts';
import { parseConfigFile } from '../../src/config/schema.ts';

const random = (bytes: number) => webcrypto.getRandomValues(new Uint8Array(bytes));
const init = (inputs: Partial<InitInputs> = {}) => {
  const files = planInit({ name: 'shop', environment: 'prod', existing: {}, random, ...inputs });
  return files as readonly [PlannedFile, PlannedFile, PlannedFile];
};

describe('a new project', () => {
  it.each(['embedded', 'dev', 'test', 'prod', 'staging'])(
    '%s: what is written reads back without a problem of ours',
    (environment) => {
      const [config, gitignore, secrets] = init({ environment });
      const text = revealed(config.content);
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=.portiere/portiere.schema.json');
      const file = { path: config.path, data: parse(text) as unknown };
      expect(parseConfigFile(file)).toMatchObject({ problems: [], document: { name: 'shop', environment } });
      expect(gitignore).toMatchObject({
        action: 'create',
        mode: 0o644,
        content: '.env\n.env.*\n!.env.example\n.portiere/\n',
      });
      const dotenvEnv = parseDotenv(revealed(secrets.content), secrets.path);
      expect([...dotenvEnv.values.keys()]).toEqual(secrets.secretNames);
      const resolved = resolveConfig({ file, dotenvEnv, processEnv: {}, fallbackName: 'x' });
      const unmet = resolved.ok ? [] : resolved.problems.map(({ path }) => path);
      expect(unmet.filter((name) => secrets.secretNames.some((made) => name.includes(made)))).toEqual([]);
      if (['embedded', 'dev', 'test'].includes(environment)) expect(unmet).toEqual([]);
    },
  );

  it('makes 256 bits for every secret that can be made, each its own', () => {
    const [, , secrets] = init();
    expect(secrets).toMatchObject({ path: '.env.prod', action: 'create', mode: 0o600 });
    expect(secrets.secretNames).toEqual([
      'JWT_SECRET',
      'API_KEY_SALT',
      'DB_PASSWORD',
      'REDIS_PASSWORD',
      'ELASTIC_PASSWORD',
    ]);
    const values = [...parseDotenv(revealed(secrets.content), 'x').values.values()].map(({ value }) => value);
    for (const value of values) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set(values).size).toBe(5);
    expect(revealed(secrets.content)).toContain('\n# STRIPE_SECRET_KEY=\n');
    expect(init({ environment: 'embedded' })[2].secretNames).toEqual(['JWT_SECRET', 'API_KEY_SALT']);
  });

  it('the plan can be printed without showing a secret', () => {
    const plan = init();
    const values = [...parseDotenv(revealed(plan[2].content), 'x').values.values()];
    for (const { value } of values) expect(JSON.stringify(plan)).not.toContain(value);
  });

  it('the commented example, uncommented, is valid', () => {
    const text = revealed(init()[0].content)
      .split('\n')
      .map((line) => line.replace(/^# ((?:settings|environments):| )/u, '$1').replace(/^ {3}/u, '  '))
      .join('\n');
    expect(parseConfigFile({ path: 'x', data: parse(text) as unknown }).problems).toEqual([]);
    expect(parse(text)).toMatchObject({
      settings: { API_PORT: 8000 },
      environments: { staging: { extends: 'prod' } },
    });
  });

  it.each([{ name: 'My Shop' }, { name: '' }, { environment: '../x' }, { environment: 'Prod' }])(
    'refuses %j',
    (inputs) => {
      expect(() => init(inputs)).toThrow(/cannot be/);
    },
  );
});

describe('a project that exists', () => {
  it('a second run changes nothing', () => {
    const first = init();
    const [config, gitignore, dotenv] = first.map(({ content }) => revealed(content)) as [
      string,
      string,
      string,
    ];
    const second = init({ existing: { config, gitignore, dotenv } });
    expect(second.map(({ action }) => action)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(second.map(({ content }) => revealed(content))).toEqual([config, gitignore, dotenv]);
    expect(second[2].secretNames).toEqual([]);
  });

  it('only missing names and lines are appended, nothing is overwritten', () => {
    const existing = {
      config: 'version: 1',
      gitignore: 'node_modules\n.env',
      dotenv: "JWT_SECRET='mine'\nPOSTGRES_PASSWORD=p\nREDIS_PASSWORD_FILE=/r",
    };
    const [config, gitignore, secrets] = init({ existing });
    expect(config).toMatchObject({ action: 'unchanged', content: 'version: 1' });
    expect(gitignore).toMatchObject({
      action: 'append',
      content: 'node_modules\n.env\n.env.*\n!.env.example\n.portiere/\n',
    });
    expect(secrets).toMatchObject({ action: 'append', secretNames: ['API_KEY_SALT', 'ELASTIC_PASSWORD'] });
    expect(revealed(secrets.content)).toMatch(
      /^JWT_SECRET='mine'\nPOSTGRES_PASSWORD=p\nREDIS_PASSWORD_FILE=\/r\nAPI_KEY_SALT=.{43}\nELASTIC_PASSWORD=.{43}\n$/,
    );
  });

  it('an unreadable .env file stops the plan', () => {
    expect(() => init({ existing: { dotenv: 'export A=1' } })).toThrow(/\.env\.prod/);
  });
});
