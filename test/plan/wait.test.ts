import { describe, expect, it } from 'vitest';

import type { Verdict } from '../../src/plan/wait-container.ts';
import { nothingSeen, type ObservedContainer, remember } from '../../src/plan/wait-memory.ts';
import { type Expectation, judge } from '../../src/plan/wait.ts';

/** The wait begins here, and containers start here; everything below is in milliseconds after it. */
const start = 1_000_000_000_000;

const service: Expectation = {
  service: 'api',
  kind: 'service',
  replicas: 1,
  hasHealthcheck: false,
  timeout: 60,
  stableFor: 10,
  since: start,
};
const checked: Expectation = { ...service, hasHealthcheck: true };
const job: Expectation = { ...service, service: 'migrate', kind: 'job' };

type Given = Partial<ObservedContainer>;

function container(given: Given = {}): ObservedContainer {
  return {
    id: 'c1',
    name: 'stack-api-1',
    state: 'running',
    exitCode: 0,
    oomKilled: false,
    error: '',
    createdAt: start,
    startedAt: start,
    finishedAt: null,
    restartCount: 0,
    limits: { memoryBytes: 0 },
    health: null,
    ...given,
  };
}

/** A healthcheck's log by the end of each result, in milliseconds after the start; a minus sign: it failed. */
function health(status: 'starting' | 'healthy' | 'unhealthy', ...ends: number[]): Given {
  const log = ends.map((end) => ({ end: start + Math.abs(end), exitCode: end < 0 ? 1 : 0 }));
  const lastPass = ends.findLastIndex((end) => end >= 0);
  return { health: { status, log, failingStreak: ends.length - 1 - lastPass } };
}

/** The verdict after looks at these containers, the last of them `after` ms into the wait. */
function look(
  expectation: Expectation,
  after: number,
  ...looks: (readonly ObservedContainer[] | ObservedContainer)[]
): Verdict {
  let memory = nothingSeen;
  let containers: readonly ObservedContainer[] = [];
  for (const seen of looks) {
    containers = [seen].flat();
    memory = remember(memory, containers, expectation.since);
  }
  return judge(expectation, { containers, memory }, { now: start + after, waited: after });
}

function words(verdict: Verdict): string {
  return verdict.kind === 'ready' ? 'ready' : `${verdict.kind}: ${verdict.reason}`;
}

describe('a service without a healthcheck', () => {
  const ended: Given = { state: 'exited', exitCode: 1, finishedAt: start + 20_000 };
  const restarted = (restartCount: number): ObservedContainer => container({ restartCount });
  const restarting = (restartCount: number, given: Given = {}): ObservedContainer =>
    container({ state: 'restarting', exitCode: 3, restartCount, ...given });

  it.each([
    ['is ready after its window', 10_000, [container()], 'ready'],
    ['and not before', 9_999, [container()], 'waiting: running for 9 of 10 s'],
    ['not there yet', 5, [[]], 'waiting: no container yet'],
    ['removed again', 5, [container(), []], 'waiting: its container was removed'],
    [
      'removed for good',
      60_000,
      [container(), []],
      /^failed: not ready within 60 s: its container was removed$/,
    ],
    ['created only', 5, [container({ state: 'created', startedAt: null })], 'waiting: created, not started'],
    ['exited', 20_300, [container(), container(ended)], 'failed: exited with code 1 after 20.0 s'],
    [
      'exited with 0',
      5_000,
      [container({ ...ended, exitCode: 0 })],
      'failed: exited with code 0 after 20.0 s, and should have gone on',
    ],
    [
      'exited for lack of memory',
      5_000,
      [container({ ...ended, exitCode: 137, oomKilled: true })],
      'failed: was killed for lack of memory (OOM, exit code 137) after 20.0 s',
    ],
    [
      'killed within its limit of memory, which the engine did not hear of',
      5_000,
      [container({ ...ended, exitCode: 137, limits: { memoryBytes: 8 * 2 ** 20 } })],
      'failed: was killed, perhaps for lack of memory (exit code 137, its limit is 8 MiB) after 20.0 s',
    ],
    [
      'killed without a limit',
      5_000,
      [container({ ...ended, exitCode: 137 })],
      'failed: exited with code 137: killed after 20.0 s',
    ],
    ['paused', 5_000, [container({ state: 'paused' })], 'waiting: paused'],
    ['paused for good', 60_000, [container({ state: 'paused' })], 'failed: not ready within 60 s: paused'],
    ['dead', 5_000, [container({ state: 'dead' })], 'failed: dead: the engine could not remove it'],
    ['restarting once', 900, [restarting(1)], 'waiting: restarting after it exited with code 3'],
    [
      'started once more',
      3_000,
      [restarting(1), container({ restartCount: 1, startedAt: start + 1_000 })],
      'waiting: running for 2 of 10 s',
    ],
    [
      'well after one restart',
      11_000,
      [restarting(1), container({ restartCount: 1, startedAt: start + 1_000 })],
      'ready',
    ],
    [
      'in a crash loop',
      2_000,
      [restarting(1), restarting(2)],
      'failed: crash loop: restarted 2 times, last exited with code 3',
    ],
    [
      'in one, between two exits',
      2_000,
      [restarting(1), restarted(2)],
      /^failed: crash loop: restarted 2 times/,
    ],
    ['in one whose exits were not seen', 2_000, [restarted(2)], 'waiting: running for 2 of 10 s'],
    ['and not for ever', 2_000, [restarted(3)], 'failed: crash loop: restarted 3 times'],
    [
      'in one whose end is of a time before this wait',
      2_000,
      [restarting(1, { exitCode: 137, finishedAt: start - 60_000 }), restarted(3)],
      'failed: crash loop: restarted 3 times',
    ],
    [
      'in one by lack of memory',
      2_000,
      [restarting(2, { exitCode: 137, oomKilled: true })],
      /last was killed for lack of memory \(OOM, exit code 137\)$/,
    ],
  ])('%s', (_, after, looks, expected) => {
    expect(words(look(service, after, ...looks))).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    );
  });

  it('could not be started', () => {
    const error = 'Bind for 0.0.0.0:80 failed: port is already allocated';
    const seen = container({ state: 'created', startedAt: null, exitCode: 128, error });
    expect(look(service, 300, seen)).toEqual({
      kind: 'failed',
      code: 'UNHEALTHY',
      reason: `could not be started: ${error}`,
      container: 'c1',
    });
  });

  it('could not be started again, which its old container tells only by words', () => {
    const old = {
      createdAt: start - 9,
      startedAt: start - 8,
      state: 'exited',
      error: 'no such volume',
    } as const;
    expect(words(look(service, 300, container(old)))).toBe(
      'waiting: still exited from before (no such volume)',
    );
  });

  it('counts no restarts from before the wait', () => {
    const old = { createdAt: start - 1, restartCount: 57 };
    for (const since of [0, start]) {
      expect(words(look({ ...service, since }, 11_000, container(old)))).toBe('ready');
    }
  });

  it('does not take the one from before for the new one', () => {
    const old = container({ createdAt: start - 5_000, startedAt: start - 5_000 });
    expect(words(look(service, 20_000, old))).toBe('waiting: still running from before');
    expect(words(look({ ...service, since: 0 }, 20_000, old))).toBe('ready');
    const gone = { ...old, state: 'exited', exitCode: 137, finishedAt: start + 10 } as const;
    expect(words(look(service, 20_000, gone))).toBe('waiting: still exited from before');
  });

  it('stands for longer without a healthcheck than with one', () => {
    const { stableFor: _, ...plain } = service;
    expect(words(look(plain, 20_000, container()))).toBe('waiting: running for 20 of 25 s');
    expect(words(look(plain, 25_000, container()))).toBe('ready');
    expect(words(look(plain, 12_000, container(health('healthy', 2_000))))).toBe('ready');
  });
});

describe('a service with a healthcheck', () => {
  it.each([
    ['has not begun', 900, container(), 'waiting: running, its healthcheck has not begun'],
    ['is starting', 900, container(health('starting')), 'waiting: health: starting'],
    [
      'has failed once',
      900,
      container(health('starting', -500)),
      'waiting: health: starting, 1 checks failed so far',
    ],
    ['passes', 3_000, container(health('healthy', -500, 1_500)), 'waiting: healthy for 1 of 10 s'],
    ['has passed for the window', 11_500, container(health('healthy', -500, 1_500)), 'ready'],
    [
      'flaps',
      30_000,
      container(health('healthy', 1_000, 2_000, -3_000)),
      'waiting: healthy, but its last check failed',
    ],
    [
      'passes again',
      13_000,
      container(health('healthy', 1_000, -2_000, 4_000)),
      'waiting: healthy for 9 of 10 s',
    ],
    [
      'is unhealthy',
      5_000,
      container(health('unhealthy', -1_000, -2_000, -3_000)),
      'failed: unhealthy: its healthcheck failed 3 times in a row (exit code 1)',
    ],
    [
      'is never healthy',
      60_000,
      container(health('starting', -1_000)),
      'failed: not ready within 60 s: health: starting, 1 checks failed so far',
    ],
    [
      'is left from the run before',
      20_000,
      container({ ...health('healthy', 500), startedAt: start + 1_000 }),
      'waiting: its healthcheck has not run since its start',
    ],
    [
      'passed, then it died',
      9_000,
      container({ ...health('unhealthy', 500), state: 'exited', exitCode: 1, finishedAt: start + 8_000 }),
      'failed: exited with code 1 after 8.0 s',
    ],
  ])('%s', (_, after, seen, expected) => {
    expect(words(look(checked, after, seen))).toBe(expected);
  });

  it('was unhealthy before: it is given three checks', () => {
    const stands = { ...checked, since: 0 };
    const sick = (...ends: number[]): ObservedContainer =>
      container({ ...health('unhealthy', ...ends), startedAt: start - 60_000 });
    const before = sick(-100, -200, -300);
    const turn = 1_000;
    const after = (...looks: ObservedContainer[]): string => {
      let memory = nothingSeen;
      for (const seen of looks) memory = remember(memory, [seen], 0);
      const observation = { containers: looks.slice(-1), memory };
      return words(judge(stands, observation, { now: start + turn + 9_000, waited: 9_000 }));
    };
    const waits = 'waiting: unhealthy from before, checked again';
    expect(after(before)).toBe(waits);
    expect(after(before, sick(-200, -300, -2_000, -3_000))).toBe(waits);
    expect(after(before, sick(-300, -2_000, -3_000, -4_000))).toMatch(/^failed: unhealthy/);
    const well = container({ ...health('healthy', 1_500), startedAt: start - 60_000 });
    expect(after(before, well, sick(-2_000))).toMatch(/^failed: unhealthy/);
  });

  it('remembers passes that have left the log', () => {
    const early = container(health('healthy', 1_000, 2_000, 3_000));
    const late = container(health('healthy', 7_000, 8_000, 9_000, 10_000, 11_000));
    expect(words(look(checked, 11_000, late))).toBe('waiting: healthy for 4 of 10 s');
    expect(words(look(checked, 11_000, early, late))).toBe('ready');
  });

  it('begins anew after a failure that has left the log', () => {
    const sick = container(health('healthy', 1_000, -2_000));
    const well = container(health('healthy', 8_000, 9_000));
    expect(words(look(checked, 12_000, container(health('healthy', 1_000)), sick, well))).toBe(
      'waiting: healthy for 4 of 10 s',
    );
  });

  it('is not cut short while it only has to stay well', () => {
    const seen = container(health('healthy', 55_000));
    expect(words(look(checked, 61_000, seen))).toBe('waiting: healthy for 6 of 10 s');
    expect(words(look(checked, 65_000, seen))).toBe('ready');
  });
});

describe('a job', () => {
  const done: Given = { state: 'exited', finishedAt: start + 2_000 };
  it.each([
    ['runs', 5_000, container(), 'waiting: running for 5.0 s'],
    ['is done', 5_000, container(done), 'ready'],
    ['failed', 5_000, container({ ...done, exitCode: 3 }), 'failed: exited with code 3 after 2.0 s'],
    [
      'is not to be found',
      5_000,
      container({ ...done, exitCode: 127 }),
      /exited with code 127: command not found/,
    ],
    [
      'ended before',
      5_000,
      container({ ...done, finishedAt: start - 1 }),
      'waiting: still exited from before',
    ],
    ['began before', 5_000, container({ ...done, startedAt: start - 9, createdAt: start - 9 }), 'ready'],
    [
      'is in a loop',
      5_000,
      container({ state: 'restarting', exitCode: 1, restartCount: 2 }),
      /^failed: crash loop/,
    ],
  ])('%s', (_, after, seen, expected) => {
    expect(words(look(job, after, seen))).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    );
  });

  it('that ended before counts when told so', () => {
    expect(words(look({ ...job, since: 0 }, 300, container({ ...done, finishedAt: start - 1 })))).toBe(
      'ready',
    );
  });

  it('that is stuck has timed out, which is an exit of its own', () => {
    expect(look(job, 60_000, container())).toEqual({
      kind: 'failed',
      code: 'TIMED_OUT',
      reason: 'did not end within 60 s: running for 60.0 s',
      container: 'c1',
    });
  });
});

describe('several containers of a service', () => {
  const two = { ...service, replicas: 2 };
  const other = { id: 'c2', name: 'stack-api-2' };

  it.each([
    ['one is there', [container()], 'waiting: 1 of 2 containers there'],
    [
      'one has begun',
      [container(), container({ ...other, startedAt: start + 9_000 })],
      'waiting: 1 of 2 ready; one is running for 3 of 10 s',
    ],
    ['both are well', [container(), container(other)], 'ready'],
    [
      'one failed',
      [container(), container({ ...other, state: 'exited', exitCode: 2 })],
      'failed: exited with code 2',
    ],
    ['one more than wanted', [container(), container(other), container({ id: 'c3' })], 'ready'],
  ])('%s', (_, seen, expected) => {
    expect(words(look(two, 12_000, seen))).toBe(expected);
  });

  it('may be none', () => {
    expect(words(look({ ...service, replicas: 0 }, 5, []))).toBe('ready');
    expect(words(look({ ...service, replicas: 0 }, 5, container()))).toBe('waiting: 1 left to go');
  });
});
