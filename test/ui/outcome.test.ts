import { describe, expect, it } from 'vitest';

import { PortiereError } from '../../src/errors.ts';
import type { Outcome } from '../../src/ports.ts';
import { printError, printOutcome } from '../../src/ui/outcome.ts';
import { newReporter } from '../../src/ui/reporter.ts';

function printed(print: (reporter: ReturnType<typeof newReporter>) => number) {
  let stdout = '';
  let stderr = '';
  const reporter = newReporter({
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    mode: 'plain',
    quiet: true,
    interrupted: new AbortController().signal,
  });
  reporter.hide(['hunter22']);
  const code = print(reporter);
  return { code, stdout, stderr };
}
const outcome = (answer: Outcome, json: boolean) =>
  printed((reporter) => printOutcome(reporter, 'status', json, answer));
const failure = (error: unknown, { json = false, verbose = false } = {}) =>
  printed((reporter) => printError(reporter, 'up', { json, error, verbose }));

describe('printOutcome', () => {
  const answer: Outcome = {
    exitCode: 2,
    data: { key: 'hunter22' },
    view: ['First.', { header: ['a'], rows: [[1]] }],
  };

  it('prints paragraphs and tables with a line between', () => {
    expect(outcome(answer, false)).toEqual({ code: 2, stdout: 'First.\n\na\n1\n', stderr: '' });
    expect(outcome({ data: null, view: [] }, false)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('prints one JSON object whose code is the exit code', () => {
    const { code, stdout } = outcome(answer, true);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      schema: 1,
      command: 'status',
      ok: false,
      code: 2,
      data: { key: '[redacted]' },
      warnings: [],
    });
  });
});

describe('printError', () => {
  const known = new PortiereError('CONFIG_INVALID', 'Two problems.', {
    hint: 'portiere config validate',
    problems: [
      { path: 'settings.API_PRT', reason: 'unknown hunter22', suggestion: 'API_PORT' },
      { path: 'name', reason: 'empty' },
    ],
    cause: new Error('deeper'),
  });

  it('prints code, message, each problem and the hint on standard error', () => {
    expect(failure(known)).toEqual({
      code: 3,
      stdout: '',
      stderr: [
        'error CONFIG_INVALID: Two problems.',
        '  settings.API_PRT: unknown [redacted] (did you mean API_PORT?)',
        '  name: empty',
        'hint: portiere config validate',
        '',
      ].join('\n'),
    });
  });

  it('adds the cause when asked to', () => {
    expect(failure(known, { verbose: true }).stderr).toContain('cause: Error: deeper\n');
  });

  it('prints the same as JSON', () => {
    const { code, stdout, stderr } = failure(known, { json: true });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      schema: 1,
      command: 'up',
      ok: false,
      code,
      error: {
        code: 'CONFIG_INVALID',
        message: 'Two problems.',
        hint: 'portiere config validate',
        problems: [
          { path: 'settings.API_PRT', reason: 'unknown [redacted]', suggestion: 'API_PORT' },
          { path: 'name', reason: 'empty' },
        ],
      },
      warnings: [],
    });
  });

  it.each([new TypeError('x is not a function'), 'a thrown text', undefined])('calls %o a bug', (error) => {
    const { code, stderr } = failure(error);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error BUG: Unexpected: .+\nhint: .*-v/);
    expect(failure(error, { verbose: true }).stderr).toMatch(/\n\s+at /);
  });
});
