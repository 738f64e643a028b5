import { execFileSync } from 'node:child_process';
import { parseEnv } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDotenv, quoteDotenv } from '../../src/config/dotenv.ts';
import { PortiereError, type Problem } from '../../src/errors.ts';

function read(text: string): Record<string, string> {
  return Object.fromEntries([...parseDotenv(text, '.env').values].map(([key, { value }]) => [key, value]));
}

function problemsOf(text: string): readonly Problem[] {
  try {
    parseDotenv(text, '.env');
  } catch (error) {
    if (error instanceof PortiereError && error.code === 'ENV_FILE_INVALID') return error.problems;
    throw error;
  }
  return [];
}

/** Pieces that readers are known to disagree about, so that random lines reach every branch. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('A', 'b', '9', '_', '.', '/', ':', '@', '%', '+', ',', '=', '^', '-', '~'),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(' ', '\t', '#', ' #', "'", '"', '`', '$', '\\', '\\n', '$A', '${A}', '!', '*'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\r',
      '\0',
      '\u2028',
      '\u0085',
      '\uFEFF',
      '\u007F',
      'é',
      '\u{1F600}',
      'export ',
    ),
  },
);
const anything = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const line = fc.oneof(
  anything,
  anything.map((value) => `K=${value}`),
  anything.map((value) => `K='${value}'`),
  anything.map((value) => `K="${value}"`),
  fc.tuple(anything, anything).map(([value, after]) => `K='${value}'${after}`),
  fc.tuple(anything, anything).map(([value, comment]) => `K="${value}" #${comment}`),
);

describe('accepted', () => {
  it.each([
    ['KEY=value', 'value'],
    ['KEY=', ''],
    ['KEY=""', ''],
    ["KEY=''", ''],
    ['KEY=a.b/c:d@e%f+g,h=i^j-k', 'a.b/c:d@e%f+g,h=i^j-k'],
    ['KEY=\'pa$$w0rd #1 "x" \\n\'', 'pa$$w0rd #1 "x" \\n'],
    ['KEY="it\'s # fine"', "it's # fine"],
    ['KEY=value # a comment, it\'s "fine"', 'value'],
    ["KEY='a b' # comment", 'a b'],
    ['KEY=value  \t', 'value'],
    ['# comment\r\n\r\nKEY=value\r\n', 'value'],
  ])('%j', (text, value) => {
    expect(read(text)).toEqual({ KEY: value });
    expect({ ...parseEnv(text) }).toEqual({ KEY: value });
  });

  it('keeps the line of each variable', () => {
    const { values } = parseDotenv('# a\nA=1\n\nB=2', '.env');
    expect([...values]).toEqual([
      ['A', { value: '1', line: 2 }],
      ['B', { value: '2', line: 4 }],
    ]);
  });
});

describe('refused, by line and name', () => {
  it.each([
    ['K=pa$$w0rd', /K: the value needs quotes/, "K='…'"],
    ['K=ab#c', /K: the value needs quotes/, "K='…'"],
    ['K=a b', /needs quotes/, "K='…'"],
    ['K=~/x', /needs quotes/, "K='…'"],
    ["K=it's", /needs quotes/, 'K="…"'],
    ["K=it's $5", /needs quotes/, 'K_FILE=/path/of/a/file/with/the/value'],
    ["K='x\\'", /backslash before the closing quote/, 'K_FILE=/path/of/a/file/with/the/value'],
    ['K="a\\tb"', /not allowed in double quotes/, "K='…'"],
    ['K="$HOME"', /not allowed in double quotes/, "K='…'"],
    ['K="open', /double quote is not closed/, undefined],
    ["K='a'b", /text after the closing quote/, "K='…'"],
    ['K= value', /no blanks after =/, "K='…'"],
    ['K= # comment', /no blanks after =/, 'K='],
    ['K= ', /no blanks after =/, 'K='],
    [' # indented comment', /no blanks before the #/, undefined],
    ['K =value', /no blanks before the name or around =/, 'K=…'],
    [' K=value', /no blanks before the name/, 'K=…'],
    ['export K=value', /K: write it without export/, 'K=…'],
    ['discovery.type=single-node', /discovery\.type: names with dots/, undefined],
    ['1K=value', /form KEY=value/, undefined],
    ['K: value', /form KEY=value/, undefined],
    ['K', /form KEY=value/, undefined],
    ['K=a\0b', /a NUL \(U\+0000\)/, undefined],
    ['K=a\rb', /a line break/, undefined],
    ["K='a\u2028b'", /a line separator/, undefined],
    ['# caf\uFFFD', /could not be decoded/, undefined],
    ['\uFEFFK=value', /byte order mark/, undefined],
    ['K\0=\0v\0', /UTF-16/, undefined],
    ['\uFFFD\uFFFDK\0', /UTF-16/, undefined],
  ])('%j', (text, reason, suggestion) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe('.env:1');
    expect(problems[0]?.reason).toMatch(reason);
    expect(problems[0]?.suggestion).toBe(suggestion);
  });

  it('lines over 64 KiB of UTF-8', () => {
    for (const text of [`K=${'x'.repeat(1_000_000)}`, `K='${'é'.repeat(40_000)}'`]) {
      expect(problemsOf(text)).toEqual([{ path: '.env:1', reason: 'the line is longer than 64 KiB' }]);
    }
    expect(read(`K=${'x'.repeat(65_534)}`)['K']).toHaveLength(65_534);
  });

  it('reports all lines at once, duplicates too', () => {
    const problems = problemsOf('A=1\nA=2\nexport B=1\nC=a b\nD=ok\n');
    expect(problems.map(({ path }) => path)).toEqual(['.env:2', '.env:3', '.env:4']);
    expect(problems[0]?.reason).toBe('A is already set on line 1');
  });

  it('never repeats a value', () => {
    const values = [
      'hunter2 hunter2',
      "'hunter2",
      '"hunter2$"',
      "'hunter2' hunter2",
      ' hunter2',
      "hunter2'$",
    ];
    for (const value of values) expect(JSON.stringify(problemsOf(`K=${value}`))).not.toContain('hunter2');
  });
});

describe('properties', () => {
  it('100,000 random lines: refused with a line, or read as Node reads them', () => {
    let accepted = 0;
    fc.assert(
      fc.property(line, (text) => {
        if (problemsOf(text).length > 0) return;
        accepted++;
        expect(read(text)).toEqual({ ...parseEnv(text) });
      }),
      { numRuns: 100_000 },
    );
    expect(accepted).toBeGreaterThan(10_000);
  }, 60_000);

  it('whole files read as Node reads them', () => {
    const lines = fc.array(fc.oneof(line, fc.constantFrom('', '# it\'s "x', ' ', 'A=', "B=''", 'C=1')), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(lines, fc.constantFrom('\n', '\r\n'), (parts, end) => {
        const text = parts.filter((part) => problemsOf(part).length === 0).join(end);
        if (problemsOf(text).length === 0) expect(read(text)).toEqual({ ...parseEnv(text) });
      }),
      { numRuns: 5000 },
    );
  });

  it('what is written reads back equal, in Node and in sh', () => {
    const written = fc
      .sample(fc.oneof(anything, fc.string({ unit: 'binary' })), { numRuns: 3000, seed: 1 })
      .flatMap((value) => {
        try {
          return [{ value, text: quoteDotenv(value) }];
        } catch (error) {
          expect(error).toBeInstanceOf(PortiereError);
          return [];
        }
      });
    expect(written.length).toBeGreaterThan(500);
    const file = written.map(({ text }, index) => `V_${index}=${text}`).join('\n');
    const expected = Object.fromEntries(written.map(({ value }, index) => [`V_${index}`, value]));
    expect(read(file)).toEqual(expected);
    expect({ ...parseEnv(file) }).toEqual(expected);
    expect(readBySh(file)).toEqual(expected);
  });

  it('accepted random lines read alike in sh', () => {
    const lines = fc
      .sample(line, { numRuns: 5000, seed: 2 })
      .filter((text) => text.startsWith('K=') && problemsOf(text).length === 0);
    const file = lines.map((text, index) => `V_${index}${text.slice(1)}`).join('\n');
    expect(readBySh(file)).toEqual(read(file));
  });
});

function readBySh(file: string): Record<string, string> {
  const output = execFileSync('sh', {
    input: `set -a\n${file}\nexec env -0\n`,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  });
  const pairs = output
    .toString('utf8')
    .split('\0')
    .filter((pair) => pair.startsWith('V_'));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
