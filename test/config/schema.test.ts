import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { emptyDocument } from '../../src/config/document.ts';
import { parseConfigFile } from '../../src/config/schema.ts';

const check = (data: unknown) => parseConfigFile({ path: 'portiere.config.yaml', data });
const problemsOf = (data: unknown) => check(data).problems;

describe('structure of the configuration file', () => {
  it('reads what is sound', () => {
    const data = {
      $schema: 'x',
      version: 1,
      name: 'shop',
      environment: 'staging',
      settings: { API_PORT: 1, 'discovery.type': 'multi-node', DB_PASSWORD_FILE: 'x' },
      environments: { staging: { extends: 'prod', settings: { READINESS_STRICT: true } } },
    };
    const { document, problems } = check(data);
    expect(problems).toEqual([]);
    const { $schema: _, version: __, ...rest } = data;
    const { environments, ...top } = rest;
    expect(document).toEqual({
      ...emptyDocument,
      ...top,
      environments: { staging: { ...environments.staging, services: {} } },
    });
  });

  it.each([
    [{ version: 1, setings: {} }, 'portiere.config.yaml setings', /unknown key/, 'settings'],
    [
      { version: 1, settings: { API_PROT: 1 } },
      'portiere.config.yaml settings.API_PROT',
      /unknown setting/,
      'API_PORT',
    ],
    [
      { version: 1, settings: { api_port: 1 } },
      'portiere.config.yaml settings.api_port',
      /unknown setting/,
      'API_PORT',
    ],
    [{ version: 1, API_PORT: 1 }, 'portiere.config.yaml API_PORT', /go under settings:/, undefined],
    [
      { version: 1, settings: { PORTIERE_ENV: 'dev' } },
      'portiere.config.yaml settings.PORTIERE_ENV',
      /environment:/,
      undefined,
    ],
    [
      { version: 1, environments: { dev: { extend: 'prod' } } },
      'portiere.config.yaml environments.dev.extend',
      /unknown key/,
      'extends',
    ],
    [
      { version: 1, environments: { '../x': {} } },
      'portiere.config.yaml environments.../x',
      /lower case letters/,
      undefined,
    ],
    [
      { version: 1, settings: { API_PORT: null } },
      'portiere.config.yaml settings.API_PORT',
      /must be text, a number/,
      undefined,
    ],
    [
      { version: 1, settings: { VOCABULARIES: ['a'] } },
      'portiere.config.yaml settings.VOCABULARIES',
      /must be text/,
      undefined,
    ],
    [{ version: 1, settings: [] }, 'portiere.config.yaml settings', /keys and values/, undefined],
    [{ version: 1, name: 'My Shop' }, 'portiere.config.yaml name', /"My Shop" is not a name/, undefined],
    [{ version: 1, name: 7 }, 'portiere.config.yaml name', /must be text/, undefined],
    [{}, 'portiere.config.yaml version', /is missing/, 'version: 1'],
    [{ version: '1' }, 'portiere.config.yaml version', /whole number/, 'version: 1'],
    [{ version: 0 }, 'portiere.config.yaml version', /not known/, 'version: 1'],
    [{ version: 2 }, 'portiere.config.yaml version', /newer/, undefined],
    [null, 'portiere.config.yaml', /keys and values/, undefined],
    [[], 'portiere.config.yaml', /keys and values/, undefined],
    ['text', 'portiere.config.yaml', /keys and values/, undefined],
    [
      JSON.parse('{"version":1,"__proto__":{"polluted":1}}'),
      'portiere.config.yaml __proto__',
      /not allowed/,
      undefined,
    ],
    [
      { version: 1, settings: { constructor: {} } },
      'portiere.config.yaml settings.constructor',
      /not allowed/,
      undefined,
    ],
  ])('%j', (data, path, reason, suggestion) => {
    const problems = problemsOf(data);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe(path);
    expect(problems[0]?.reason).toMatch(reason);
    expect(problems[0]?.suggestion).toBe(suggestion);
  });

  it('a newer version has its own code', () => {
    expect(problemsOf({ version: 2, whatever: 1 })).toMatchObject([{ code: 'CONFIG_NEWER' }]);
  });

  it('names lines where the loader knows them', () => {
    const { problems } = parseConfigFile({
      path: 'portiere.config.yaml',
      data: { version: 1, settings: { API_PROT: 1 } },
      lineOf: (keys) => (keys.join('/') === 'settings/API_PROT' ? 7 : undefined),
    });
    expect(problems[0]?.path).toBe('portiere.config.yaml:7 settings.API_PROT');
  });

  it('nesting of 10,000 levels and a bomb of aliases end early', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level++) deep = { a: deep };
    expect(problemsOf(deep)[0]?.reason).toMatch(/64 levels/);
    let bomb: unknown = ['lol'];
    for (let level = 0; level < 30; level++) bomb = Array.from({ length: 9 }, () => bomb);
    expect(problemsOf({ version: 1, bomb })[0]?.reason).toMatch(/more than 10000 values/);
    const cycle: Record<string, unknown> = { version: 1 };
    cycle['self'] = cycle;
    expect(problemsOf(cycle)[0]?.reason).toMatch(/64 levels/);
  });

  it('YAML 1.1 words stay text, and are then refused by their setting', () => {
    expect(
      check(parse('version: 1\nsettings: {READINESS_STRICT: no, LOG_LEVEL: on}')).document.settings,
    ).toEqual({
      READINESS_STRICT: 'no',
      LOG_LEVEL: 'on',
    });
  });

  it('never crashes on any data', () => {
    const data = fc.oneof(
      fc.anything(),
      fc.record({ version: fc.constant(1), settings: fc.anything(), environments: fc.anything() }),
    );
    fc.assert(
      fc.property(data, (value) => Array.isArray(problemsOf(value))),
      { numRuns: 3000 },
    );
  });
});
