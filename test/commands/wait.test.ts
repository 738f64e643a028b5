import { describe, expect, it } from 'vitest';

import {
  type Awaited,
  failureOf,
  waitFor,
  type WaitOptions,
  type WaitResult,
} from '../../src/commands/wait.ts';
import type { ContainerState, Engine } from '../../src/ports/engine.ts';
import { fakePorts } from '../support/ports.ts';

const owned = { project: 'p', environment: 'test' };
const limits = {
  user: '',
  readOnlyRoot: false,
  privileged: false,
  capDrop: [],
  capAdd: [],
  securityOpt: [],
  pids: 0,
  memoryBytes: 0,
  cpus: 0,
  restart: 'no',
  restartMaximum: 0,
  logDriver: 'json-file',
  logOptions: {},
  init: false,
  stopGraceSeconds: 10,
};

type Given = Partial<ContainerState>;

/** What the engine shows of each service, by seconds since the wait began. */
type Story = Readonly<Record<string, (seconds: number) => Given | undefined>>;

const expected = (service: string, more: Partial<Awaited> = {}): Awaited => ({
  service,
  kind: 'service',
  replicas: 1,
  hasHealthcheck: false,
  timeout: 30,
  stableFor: 5,
  since: 0,
  ...more,
});

/** Runs a wait over a story; the fake clock of the engine is an hour ahead of ours. */
async function tell(
  story: Story,
  awaited: readonly Awaited[],
  more: Partial<WaitOptions> = {},
): Promise<WaitResult & { said: string[] }> {
  const { clock: elapsing } = fakePorts();
  const begin = Date.parse('2026-01-02T03:04:05Z');
  const clock = { ...elapsing, now: () => new Date(begin + elapsing.elapsed()) };
  const hour = 3_600_000;
  const said: string[] = [];
  const engine: Pick<Engine, 'containers' | 'info' | 'logs'> = {
    info: async () => ({ time: clock.now().getTime() + hour }) as Awaited0,
    async containers() {
      return Object.entries(story).flatMap(([service, at]) => {
        const given = at(clock.elapsed() / 1_000);
        return given === undefined ? [] : container(service, begin + hour, given);
      });
    },
    async *logs(id) {
      yield { stream: 'stderr', text: `last words of ${id}` };
    },
  };
  const onChange = (service: string, words: string): void => {
    said.push(`${service}: ${words}`);
  };
  return { ...(await waitFor(engine, awaited, { owned, clock, onChange, ...more })), said };
}

type Awaited0 = Awaited1<ReturnType<Engine['info']>>;
type Awaited1<T> = T extends Promise<infer Value> ? Value : never;

function container(service: string, at: number, given: Given): ContainerState {
  return {
    id: `id-${service}`,
    name: `p-${service}-1`,
    service,
    image: { id: 'i', reference: 'i' },
    labels: {},
    state: 'running',
    exitCode: 0,
    oomKilled: false,
    error: '',
    createdAt: at,
    startedAt: at,
    finishedAt: null,
    restartCount: 0,
    health: null,
    networks: [],
    ports: [],
    mounts: [],
    limits,
    ...given,
  };
}

describe('waiting', () => {
  it('ends when all are ready, by the engine’s clock, and tells what changes', async () => {
    const result = await tell({ api: () => ({}) }, [expected('api')]);
    expect(result).toMatchObject({ ok: true, services: [{ service: 'api', evidence: null }] });
    expect(result.seconds).toBeCloseTo(5.1, 1);
    expect(result.said).toEqual([
      ...[0, 1, 2, 3, 4].map((at) => `api: running for ${at} of 5 s`),
      'api: ready',
    ]);
    expect(failureOf(result)).toBeUndefined();
  });

  it('ends with the first failure, its last words and its health log', async () => {
    const log = [{ start: 1, end: 2, exitCode: 1, output: 'no' }];
    const result = await tell(
      {
        api: () => ({}),
        db: (at) => (at < 2 ? {} : { health: { status: 'unhealthy', failingStreak: 3, log } }),
      },
      [expected('api'), expected('db')],
    );
    expect(result.services).toMatchObject([
      { service: 'api', verdict: { kind: 'waiting' }, evidence: null },
      { service: 'db', verdict: { kind: 'failed' }, evidence: { log: ['last words of id-db'], health: log } },
    ]);
    expect(failureOf(result)).toMatchObject({
      code: 'UNHEALTHY',
      exitCode: 8,
      message: 'Service db failed: unhealthy: its healthcheck failed 3 times in a row (exit code 1)',
    });
  });

  it('gives each service its time from when those ahead of it are ready', async () => {
    const result = await tell(
      {
        migrate: (at) => (at < 40 ? {} : { state: 'exited', finishedAt: 1 }),
        api: (at) => (at < 41 ? { state: 'created', startedAt: null } : {}),
      },
      [
        expected('migrate', { kind: 'job', timeout: 60 }),
        expected('api', { after: ['migrate'], timeout: 10 }),
      ],
    );
    expect(result.ok).toBe(true);
    expect(result.said).toContain('api: after migrate');
  });

  it('gives up on a stuck job with an exit of its own', async () => {
    const result = await tell({ migrate: () => ({}) }, [expected('migrate', { kind: 'job', timeout: 3 })]);
    expect(failureOf(result)).toMatchObject({ code: 'TIMED_OUT', exitCode: 124 });
  });

  it('gives up on everything when all the time is up', async () => {
    const result = await tell({ api: () => undefined }, [expected('api')], { timeout: 2 });
    expect(failureOf(result)).toMatchObject({
      code: 'TIMED_OUT',
      message: 'Service api failed: the 2 s for everything are up: no container yet',
    });
  });

  it('sees what was ready die while another is waited for, and forgives a slow check', async () => {
    const slow = { health: { status: 'healthy', failingStreak: 1, log: [] } } as const;
    const story = (end: Given): Story => ({
      api: (at) => (at < 8 ? {} : at < 40 ? slow : end),
      late: (at) => (at < 45 ? undefined : { startedAt: Date.parse('2026-01-02T04:04:05Z') }),
    });
    const awaited = [expected('api'), expected('late', { timeout: 60 })];
    expect(await tell(story(slow), awaited)).toMatchObject({ ok: true });
    expect(await tell(story({ state: 'exited', exitCode: 1 }), awaited)).toMatchObject({
      ok: false,
      services: [{ verdict: { kind: 'failed', reason: 'exited with code 1' } }, {}],
    });
  });

  it('looks past one-off containers, and stops when told to', async () => {
    const oneOff = { labels: { 'com.docker.compose.oneoff': 'True' }, state: 'exited', exitCode: 1 } as const;
    const result = await tell({ api: () => oneOff }, [expected('api')], { timeout: 1 });
    expect(failureOf(result)?.message).toContain('no container yet');
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(tell({}, [expected('api')], { signal })).rejects.toThrow('stop');
  });
});
