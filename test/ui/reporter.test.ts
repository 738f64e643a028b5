import { describe, expect, it, vi } from 'vitest';

import { newReporter, type Screen } from '../../src/ui/reporter.ts';

function screen(given: Partial<Screen> = {}) {
  const shown = { stdout: '', stderr: '' };
  const reporter = newReporter({
    stdout: (text) => {
      shown.stdout += text;
    },
    stderr: (text) => {
      shown.stderr += text;
    },
    mode: 'plain',
    quiet: false,
    interrupted: new AbortController().signal,
    ...given,
  });
  return {
    reporter,
    shown,
    events: () =>
      shown.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
  };
}

describe('plain reporter', () => {
  it('says what it starts, how far it is and how long it took, on standard error', async () => {
    vi.useFakeTimers();
    try {
      const { reporter, shown } = screen();
      const result = await reporter.step('Load', async (progress) => {
        progress.say('reading');
        vi.advanceTimersByTime(1_900);
        progress.update(1, 4, 'rows');
        vi.advanceTimersByTime(100);
        progress.update(2, 4, 'rows');
        return 7;
      });
      expect(result).toBe(7);
      expect(shown.stderr.split('\n')).toEqual([
        'Load ...',
        '  reading',
        '  2 of 4 rows, 1/s, 2.0 s left',
        'Load: done in 2.0 s',
        '',
      ]);
      expect(shown.stdout).toBe('');
    } finally {
      vi.useRealTimers();
    }
  });

  it('says that a step failed and passes the error on', async () => {
    const { reporter, shown } = screen();
    const failed = reporter.step('Load', () => Promise.reject(new Error('broken')));
    await expect(failed).rejects.toThrow('broken');
    expect(shown.stderr).toMatch(/^Load \.\.\.\nLoad: failed after 0\.\d s\n$/);
  });

  it('ends the next progress or step with the reason once interrupted', async () => {
    const stop = new AbortController();
    const { reporter } = screen({ interrupted: stop.signal });
    const step = reporter.step('Load', async (progress) => {
      stop.abort(new Error('by SIGINT'));
      progress.update(1, undefined, 'rows');
    });
    await expect(step).rejects.toThrow('by SIGINT');
    const work = vi.fn<() => Promise<void>>();
    await expect(reporter.step('Next', work)).rejects.toThrow('by SIGINT');
    expect(work).not.toHaveBeenCalled();
  });

  it('shows notes and warnings, and keeps the warnings', () => {
    const { reporter, shown } = screen();
    reporter.note('fyi');
    reporter.warn('careful');
    reporter.line('a log line');
    expect(shown).toEqual({ stderr: 'fyi\nwarning: careful\n', stdout: 'a log line\n' });
    expect(reporter.warnings).toEqual(['careful']);
  });

  it('says nothing but warnings and results when quiet', async () => {
    const { reporter, shown } = screen({ quiet: true });
    reporter.note('fyi');
    await reporter.step('Load', async (progress) => {
      progress.say('x');
    });
    reporter.warn('careful');
    reporter.line('result');
    expect(shown).toEqual({ stderr: 'warning: careful\n', stdout: 'result\n' });
  });

  it('hides secrets and escape codes in everything it shows or keeps', async () => {
    const { reporter, shown } = screen();
    reporter.hide(['hunter22']);
    reporter.hide(['other-secret']);
    reporter.note('hunter22');
    reporter.warn(`other-secret ${Buffer.from('hunter22').toString('base64')}`);
    reporter.line('\u001b[2Jhunter22');
    await reporter.step('Use hunter22', async (progress) => {
      progress.say('hunter22');
    });
    const all = shown.stdout + shown.stderr + reporter.warnings.join();
    for (const text of ['hunter22', 'other-secret', 'aHVudGVy', '\u001b']) expect(all).not.toContain(text);
    expect(reporter.warnings).toEqual(['[redacted] [redacted]']);
  });
});

describe('JSON reporter', () => {
  it('writes one event a line on standard error', async () => {
    const { reporter, shown, events } = screen({ mode: 'json' });
    reporter.note('fyi');
    reporter.warn('careful');
    await reporter.step('Load', async (progress) => {
      progress.say('reading');
    });
    await reporter.step('Fail', () => Promise.reject(new Error('x'))).catch(() => undefined);
    expect(events()).toEqual([
      { event: 'note', text: 'fyi' },
      { event: 'warning', text: 'careful' },
      { event: 'start', step: 'Load' },
      { event: 'progress', step: 'Load', text: 'reading' },
      { event: 'done', step: 'Load', ms: expect.any(Number) },
      { event: 'start', step: 'Fail' },
      { event: 'failed', step: 'Fail' },
    ]);
    expect(shown.stdout).toBe('');
  });
});
