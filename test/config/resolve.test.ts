import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseEnvironment } from '../../src/config/environment.ts';
import { explain } from '../../src/config/explain.ts';
import { requireConfig, resolveConfig } from '../../src/config/resolve.ts';
import { Secret } from '../../src/config/secret.ts';
import { secretFilesNeeded } from '../../src/config/secret-files.ts';
import { settingNames } from '../../src/config/settings.ts';
import { configOf, given, goodProd, problemsOf } from './given.ts';

const inTest = { JWT_SECRET: 'j', API_KEY_SALT: 's', DB_PASSWORD: 'p' };

describe('the environment', () => {
  const file = { environment: 'test', environments: { staging: { extends: 'prod' } } };

  it.each([
    [{}, 'embedded', 'default'],
    [{ file }, 'test', 'config'],
    [{ file, processEnv: { PORTIERE_ENV: 'dev' } }, 'dev', 'process'],
    [{ file, processEnv: { PORTIERE_ENV: '' } }, 'test', 'config'],
    [{ file, processEnv: { PORTIERE_ENV: 'dev' }, flags: { environment: 'staging' } }, 'staging', 'flag'],
  ])('%j -> %s by %s', (inputs, name, chosenBy) => {
    expect(chooseEnvironment(given(inputs))).toMatchObject({ name, chosenBy });
  });

  it('an environment of one’s own has the rules of the one it extends in the end', () => {
    const environments = { canary: { extends: 'staging' }, staging: { extends: 'prod' } };
    const chosen = chooseEnvironment(given({ file: { environments }, flags: { environment: 'canary' } }));
    expect(chosen).toMatchObject({ name: 'canary', base: 'prod', chain: ['prod', 'staging', 'canary'] });
    const config = configOf({
      file: { environments },
      processEnv: goodProd,
      flags: { environment: 'canary' },
    });
    expect(config).toMatchObject({
      environment: 'canary',
      base: 'prod',
      settings: { PORTIERE_ENV: 'canary' },
    });
  });

  it.each([
    ['pord', 'prod'],
    ['stagin', 'staging'],
    ['../../etc', undefined],
    ['', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
  ])('%j is unknown; meant: %s', (environment, suggestion) => {
    const inputs = given({ file, flags: { environment } });
    expect(() => chooseEnvironment(inputs)).toThrow(/--env: there is no environment/);
    const resolved = resolveConfig(inputs);
    expect(resolved).toMatchObject({ ok: false, code: 'ENVIRONMENT_UNKNOWN' });
    expect(!resolved.ok && resolved.problems[0]?.suggestion).toBe(suggestion);
  });

  it('every bad extends is a problem, in unused environments too', () => {
    const environments = {
      a: { extends: 'b' },
      b: { extends: 'c' },
      c: { extends: 'a' },
      d: { extends: 'prd' },
      e: {},
    };
    expect(problemsOf({ file: { environments } }).map(({ path, reason }) => `${path}: ${reason}`)).toEqual([
      'portiere.config.yaml environments.a: extends itself: a -> b -> c -> a',
      'portiere.config.yaml environments.b: extends itself: b -> c -> a -> b',
      'portiere.config.yaml environments.c: extends itself: c -> a -> b -> c',
      'portiere.config.yaml environments.d: d extends prd, which is unknown',
      'portiere.config.yaml environments.e: e needs extends: one of embedded, dev, test, prod',
    ]);
  });
});

describe('layers', () => {
  const layers = {
    file: { settings: { API_PORT: 1001 }, environments: { test: { settings: { API_PORT: 1002 } } } },
    dotenv: 'API_PORT=1003',
    dotenvEnv: 'API_PORT=1004',
    processEnv: { ...inTest, API_PORT: '1005', PORTIERE_ENV: 'test' },
    flags: { settings: { API_PORT: '1006' } },
  };

  it('each one overrides those before it, and all are kept', () => {
    const config = configOf(layers);
    expect(config.settings.API_PORT).toBe(1006);
    expect(
      explain(config, 'API_PORT').sources.map(({ layer, location, value }) => ({ layer, location, value })),
    ).toEqual([
      { layer: 'default', location: 'default', value: '8000' },
      { layer: 'config', location: 'portiere.config.yaml', value: '1001' },
      { layer: 'config', location: 'portiere.config.yaml', value: '1002' },
      { layer: 'dotenv', location: '.env:1', value: '1003' },
      { layer: 'dotenv-env', location: '.env.test:1', value: '1004' },
      { layer: 'process', location: 'environment variable API_PORT', value: '1005' },
      { layer: 'flag', location: 'command line', value: '1006' },
    ]);
  });

  it('any subset of layers: the strongest one present holds', () => {
    const values = [1001, 1003, 1004, 1005, 1006];
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), (present) => {
        const [file, dotenv, dotenvEnv, process, flag] = present;
        const config = configOf({
          ...(file ? { file: { settings: { API_PORT: 1001 } } } : {}),
          ...(dotenv ? { dotenv: layers.dotenv } : {}),
          ...(dotenvEnv ? { dotenvEnv: layers.dotenvEnv } : {}),
          processEnv: process ? { API_PORT: '1005' } : {},
          flags: { settings: { API_PORT: flag ? '1006' : undefined } },
        });
        expect(config.settings.API_PORT).toBe(values.findLast((_, index) => present[index]) ?? 8000);
      }),
    );
  });

  it('settings come from the ancestors first, then the environment; lines where known', () => {
    const data = {
      version: 1,
      settings: { API_PORT: 1, DB_NAME: 'all' },
      environments: {
        staging: { extends: 'test', settings: { API_PORT: 3 } },
        test: { settings: { API_PORT: 2, LOG_LEVEL: 'DEBUG' } },
      },
    };
    const file = { path: 'c.yaml', data, lineOf: (keys: readonly string[]) => keys.length };
    const config = requireConfig(
      resolveConfig({ ...given({ processEnv: inTest, flags: { environment: 'staging' } }), file }),
    );
    expect(config.settings).toMatchObject({ API_PORT: 3, LOG_LEVEL: 'DEBUG', DB_NAME: 'all' });
    expect(config.provenance.API_PORT.map(({ location }) => location)).toEqual([
      'default',
      'c.yaml:2',
      'c.yaml:4',
      'c.yaml:4',
    ]);
    expect(config.file).toBe('c.yaml');
  });

  it('defaults differ by environment', () => {
    expect(configOf({}).settings).toMatchObject({
      EMBEDDING_MODEL: 'hashing',
      CORS_ORIGINS: [],
      RATE_LIMIT_PER_MINUTE: 6000,
    });
    const config = configOf({ processEnv: { ...inTest, PORTIERE_ENV: 'test' } });
    expect(config.settings).toMatchObject({
      CORS_ORIGINS: ['*'],
      RATE_LIMIT_PER_MINUTE: 60,
      FAISS_INDEX_PATH: '/data/faiss/index',
    });
  });

  it('one name of a pair sets both; two different ones are a problem', () => {
    const config = configOf({ dotenv: 'DB_NAME=shop\nPOSTGRES_PASSWORD=x' });
    expect(config.settings).toMatchObject({ DB_NAME: 'shop', POSTGRES_DB: 'shop' });
    expect(config.settings.DB_PASSWORD?.reveal()).toBe('x');
    expect(config.provenance.POSTGRES_DB.at(-1)).toMatchObject({
      layer: 'pair',
      location: 'DB_NAME (.env:1)',
      value: 'shop',
    });
    expect(problemsOf({ dotenv: 'DB_NAME=shop\nPOSTGRES_DB=other' })).toEqual([
      {
        path: '.env:2 POSTGRES_DB',
        reason: 'must be equal to DB_NAME (.env:1 DB_NAME); set one of them only',
      },
    ]);
  });

  it('the process environment is read by name only, the name of the project from its folder', () => {
    const config = configOf({ processEnv: { PATH: '/bin', API_PROT: '1' }, fallbackName: ' My Shop!' });
    expect(config.name).toBe('my-shop-');
    expect(configOf({ fallbackName: '日本' }).name).toBe('portiere');
    expect(configOf({ file: { name: 'own' } }).name).toBe('own');
  });
});

describe('problems', () => {
  it('six planted mistakes are six problems at once', () => {
    const problems = problemsOf({
      file: { settings: { API_PROT: 8000, READINESS_STRICT: 'yes' }, unknwon: 1 },
      dotenv: 'REDIS_PORT=65536\nDB_HSOT=x',
      processEnv: { ...inTest, ES_JAVA_OPTS: '-Xms1g -Xmx2g' },
      flags: { environment: 'test' },
    });
    expect(problems).toEqual(
      [
        { path: 'portiere.config.yaml unknwon', reason: 'unknown key' },
        { path: 'portiere.config.yaml settings.API_PROT', reason: 'unknown setting', suggestion: 'API_PORT' },
        {
          path: '.env:2 DB_HSOT',
          reason: 'unknown setting (a name of your own starts with X_)',
          suggestion: 'DB_HOST',
        },
        {
          path: 'portiere.config.yaml settings.READINESS_STRICT',
          reason: 'must be true or false, not "yes"',
          suggestion: 'true',
        },
        { path: '.env:1 REDIS_PORT', reason: 'must be a whole number from 1 to 65535, not "65536"' },
        {
          path: 'environment variable ES_JAVA_OPTS',
          reason: '-Xms and -Xmx must be equal, or Elasticsearch refuses to start',
        },
      ].toSorted((one, other) => order(problems, one) - order(problems, other)),
    );
    expect(problems).toHaveLength(6);
  });

  it('values of environments not in use are checked too', () => {
    const file = { environments: { prod: { settings: { API_PORT: 0 } } } };
    expect(problemsOf({ file })).toEqual([
      {
        path: 'portiere.config.yaml environments.prod.settings.API_PORT',
        reason: 'must be a whole number from 1 to 65535, not "0"',
      },
    ]);
  });

  it.each([
    [{ dotenv: 'X_OWN=1' }, []],
    [{ dotenv: 'PORTIERE_ENV=prod' }, ['.env:1 PORTIERE_ENV']],
    [{ flags: { settings: { NOPE: '1' } } }, ['command line NOPE']],
    [{ flags: { settings: { PORTIERE_ENV: 'dev' } } }, ['command line PORTIERE_ENV']],
    [{ file: { settings: { DB_PASSWORD: 12_345 } } }, ['portiere.config.yaml settings.DB_PASSWORD']],
    [{ file: { settings: { DB_PASSWORD_FILE: 7 } } }, ['portiere.config.yaml settings.DB_PASSWORD_FILE']],
    [{ file: { settings: { DB_PASSWORD_FILE: '' } } }, ['portiere.config.yaml settings.DB_PASSWORD_FILE']],
    [{ file: { settings: { LINE_CHANNEL_ID: 1e300 } } }, ['portiere.config.yaml settings.LINE_CHANNEL_ID']],
    [{ file: { settings: { LINE_CHANNEL_ID: 1_657_000_000 } } }, []],
    [{ processEnv: { API_PORT: '' } }, ['environment variable API_PORT']],
  ])('%j: %j', (inputs, paths) => {
    expect(problemsOf(inputs).map(({ path }) => path)).toEqual(paths);
  });

  it('a single kind of problem keeps its code, a mixture is CONFIG_INVALID', () => {
    const code = (inputs: Parameters<typeof given>[0]) => {
      const resolved = resolveConfig(given(inputs));
      return resolved.ok ? undefined : resolved.code;
    };
    expect(code({ flags: { settings: { NOPE: '1' } } })).toBe('SETTING_UNKNOWN');
    expect(code({ file: { version: 2 } })).toBe('CONFIG_NEWER');
    expect(code({ flags: { settings: { NOPE: '1' } }, dotenv: 'NOPE=1' })).toBe('CONFIG_INVALID');
    expect(() => configOf({ dotenv: 'NOPE=1' })).toThrow(/one problem/);
  });

  it('no problem shows a secret', () => {
    const problems = problemsOf({
      dotenv: "JWT_SECRET='canary\tcanary'\nCELERY_BROKER_URL='http://canary'",
      processEnv: { PORTIERE_ENV: 'prod' },
    });
    expect(problems.length).toBeGreaterThan(2);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });
});

describe('secret files', () => {
  it('are listed with their layer, the strongest of each', () => {
    const inputs = given({
      file: { settings: { JWT_SECRET_FILE: 'old' } },
      dotenv: 'JWT_SECRET_FILE=/run/jwt\nREDIS_PASSWORD_FILE=',
      processEnv: { DB_PASSWORD_FILE: '/run/db' },
    });
    expect(secretFilesNeeded(inputs)).toEqual([
      { name: 'JWT_SECRET', path: '/run/jwt', layer: 'dotenv', location: '.env:1' },
      {
        name: 'DB_PASSWORD',
        path: '/run/db',
        layer: 'process',
        location: 'environment variable DB_PASSWORD_FILE',
      },
    ]);
  });

  it('lose one line end', () => {
    for (const [text, expected] of [
      ['a\n', 'a'],
      ['a\r\n', 'a'],
      ['a', 'a'],
      ['a b ', 'a b '],
    ] as const) {
      const config = configOf({
        dotenv: 'DB_PASSWORD_FILE=/run/db',
        secretFiles: new Map([['DB_PASSWORD', text]]),
      });
      expect(config.settings.DB_PASSWORD?.reveal()).toBe(expected);
      expect(config.settings.POSTGRES_PASSWORD?.reveal()).toBe(expected);
      expect(config.provenance.DB_PASSWORD[0]?.location).toBe('.env:1 DB_PASSWORD_FILE');
    }
    const two = { dotenv: 'DB_PASSWORD_FILE=/x', secretFiles: new Map([['DB_PASSWORD', 'a\n\n']] as const) };
    expect(problemsOf(two)[0]?.reason).toMatch(/a line break/);
  });

  it('NAME and NAME_FILE together are refused, in whichever layers', () => {
    const resolved = resolveConfig(
      given({
        dotenv: 'DB_PASSWORD=x',
        processEnv: { DB_PASSWORD_FILE: '/x' },
        secretFiles: new Map([['DB_PASSWORD', 'x']]),
      }),
    );
    expect(resolved).toMatchObject({
      ok: false,
      code: 'SECRET_CONFLICT',
      problems: [
        {
          path: 'environment variable DB_PASSWORD_FILE',
          reason: 'DB_PASSWORD is set too, at .env:1; keep one of them',
        },
      ],
    });
  });

  it('an unreadable one is one problem, not a missing secret too', () => {
    const { DB_PASSWORD: _, ...rest } = inTest;
    const inputs = given({ processEnv: { ...rest, DB_PASSWORD_FILE: '/gone', PORTIERE_ENV: 'test' } });
    expect(resolveConfig(inputs)).toMatchObject({
      code: 'SECRET_UNREADABLE',
      problems: [{ reason: 'the file "/gone" cannot be read' }],
    });
  });

  it('a blank path is a problem', () => {
    expect(problemsOf({ dotenv: 'DB_PASSWORD_FILE=' })).toEqual([
      { path: '.env:1 DB_PASSWORD_FILE', reason: 'is blank; it must be the path of a file' },
    ]);
  });
});

describe('explain', () => {
  it('shows where a secret comes from and not what it is', () => {
    const explanation = explain(configOf({ dotenv: 'JWT_SECRET=hunter2' }), 'JWT_SECRET');
    expect(explanation).toMatchObject({
      name: 'JWT_SECRET',
      secret: true,
      sources: [{ layer: 'dotenv', location: '.env:1' }],
    });
    expect(explanation.value).toBeInstanceOf(Secret);
    expect(JSON.stringify(explanation)).not.toContain('hunter2');
    expect(explain(configOf({}), 'JWT_SECRET').value).toBeUndefined();
  });

  it('names the nearest of an unknown key', () => {
    expect(() => explain(configOf({}), 'API_PROT')).toThrow(
      expect.objectContaining({ code: 'SETTING_UNKNOWN', hint: 'Did you mean API_PORT?' }),
    );
  });
});

it('any texts for any settings give a configuration or problems, never a crash', () => {
  const texts = fc.dictionary(
    fc.constantFrom(...settingNames),
    fc.oneof(fc.string(), fc.constantFrom('', '1', 'true', '-Xmx1g')),
  );
  fc.assert(
    fc.property(
      texts,
      texts,
      fc.constantFrom('embedded', 'dev', 'prod', 'nope'),
      (settings, processEnv, environment) => {
        const resolved = resolveConfig(given({ file: { settings }, processEnv, flags: { environment } }));
        expect(resolved.ok || resolved.problems.length > 0).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

/** Problems in whatever order they were found. */
function order(problems: readonly { path: string }[], { path }: { path: string }): number {
  return problems.findIndex((problem) => problem.path === path);
}
