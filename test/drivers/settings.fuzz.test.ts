import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { parseConfigFile } from '../../src/config/schema.ts';
import { readJson, readYaml } from '../../src/drivers/settings.ts';
import { PortiereError } from '../../src/errors.ts';

/** 100,000 documents in `npm run test:full`, a tenth otherwise; fast-check prints the seed of a failure. */
const runs = process.env['PORTIERE_TEST_FULL'] === undefined ? 10_000 : 100_000;
const seconds = 300_000;

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar(),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key(), tie('any'), { maxKeys: 4 }),
  ),
})).any;

describe('configuration documents', () => {
  it(
    `${runs} JSON documents read as JSON, and as YAML, to what was written`,
    () => {
      fc.assert(
        fc.property(value, (written) => {
          const text = JSON.stringify(written);
          const expected: unknown = JSON.parse(text);
          for (const read of [asJson(text), asYaml(text)]) {
            if (read !== refused) expect(read).toEqual(expected ?? {});
          }
          // Only these may be refused: cosmiconfig's import key, and keys that JSON and JavaScript read differently.
          if (asJson(text) === refused) expect(Object.keys(expected as object)).toContain('$import');
          judge(expected);
        }),
        { numRuns: runs },
      );
    },
    seconds,
  );

  it(
    `${runs} texts near YAML are plain data or CONFIG_INVALID, never anything else`,
    () => {
      fc.assert(
        fc.property(nearYaml(), (text) => {
          const read = asYaml(text);
          if (read === refused) return;
          expect(read).toEqual(
            parse(text, { schema: 'core', version: '1.2', merge: false, stringKeys: true }) ?? {},
          );
          judge(read);
        }),
        { numRuns: runs },
      );
    },
    seconds,
  );
});

const refused = Symbol('CONFIG_INVALID');

function asYaml(text: string): unknown {
  return guarded(() => readYaml('portiere.config.yaml', text, new Map()));
}

function asJson(text: string): unknown {
  return guarded(() => readJson('portiere.config.json', text) ?? {});
}

function guarded(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(PortiereError);
    expect((error as PortiereError).code).toBe('CONFIG_INVALID');
    return refused;
  }
}

/** Whatever a document holds, judging it ends in a list of problems. */
function judge(data: unknown): void {
  const { document, problems } = parseConfigFile({ path: 'portiere.config.yaml', data });
  expect(Array.isArray(problems)).toBe(true);
  for (const problem of problems) expect(problem.reason).not.toBe('');
  expect(Object.getPrototypeOf(document)).toBe(Object.prototype);
}

function scalar(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary' }),
  );
}

function key(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(
      'version',
      'name',
      'environment',
      'settings',
      'environments',
      'extends',
      'API_PORT',
      'JWT_SECRET',
      '$schema',
      '$import',
      'constructor',
    ),
    fc.string({ maxLength: 8 }),
  );
}

function nearYaml(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      'version: 1\n',
      'settings:\n',
      '  API_PORT: 8000\n',
      '- ',
      '&a ',
      '*a',
      '!!js/function ',
      '!!binary ',
      '<<: *a\n',
      '? ',
      '| \n',
      '>-\n',
      '---\n',
      '...\n',
      '# x\n',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ': ',
      ', ',
      '\t',
      'no',
      'on',
      '012',
      '0x1f',
      '1e3',
      '~',
      '.inf',
      '%YAML 1.1\n',
      '\u0085',
      '\u2028',
      '__proto__: ',
    ),
    fc.string({ maxLength: 6 }),
  );
  return fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
}
