import { describe, expect, it } from 'vitest';

import { type ComponentHealth, judge, type Observation } from '../../src/plan/health.ts';

const server = { pid: 12, alive: true, url: 'http://127.0.0.1:8000' };
const part = (name: string, state: ComponentHealth['state'] = 'ok', detail = ''): ComponentHealth => ({
  name,
  state,
  latency_ms: 1,
  detail,
});
const ready = (...components: ComponentHealth[]): NonNullable<Observation['ready']> => ({
  answered: true,
  stamp: null,
  build: 'b1',
  components,
});
const well: Observation = { server, ready: ready(part('postgres'), part('dense')), published: 'b1' };

describe('judge', () => {
  it('finds nothing where all is well', () => {
    const verdict = judge(well);
    expect(verdict).toMatchObject({ status: 'ok', cause: '', hint: '' });
    expect(verdict.components.map(({ name }) => name)).toEqual(['api', 'postgres', 'dense']);
  });

  it.each<[string, Partial<Observation>, string, RegExp, RegExp]>([
    ['no server', { server: null, ready: null, published: null }, 'down', /not running/, /^portiere up$/],
    [
      'a dead server',
      { server: { ...server, alive: false }, ready: null },
      'down',
      /pid 12\) is gone/,
      /portiere up/,
    ],
    [
      'a silent server',
      { ready: { answered: false, reason: 'timed out' } },
      'down',
      /pid 12\) runs but does not answer: timed out/,
      /portiere logs/,
    ],
    ['a server not asked', { ready: null }, 'down', /was not asked/, /portiere logs/],
    [
      'a part that is down before one that is degraded',
      { ready: ready(part('rate_limiter', 'degraded', 'slow'), part('postgres', 'down', 'gone')) },
      'down',
      /^postgres is down: gone$/,
      /portiere logs/,
    ],
    [
      'a sick index',
      { ready: ready(part('postgres'), part('dense', 'down', 'no file')) },
      'down',
      /^dense is down: no file$/,
      /portiere index status/,
    ],
    [
      'a part that is degraded',
      { ready: ready(part('rate_limiter', 'degraded', 'slow')) },
      'degraded',
      /^rate_limiter is degraded: slow$/,
      /portiere logs/,
    ],
    ['an old build', { published: 'b2' }, 'degraded', /from build b1, published is b2/, /portiere logs/],
    ['an index that vanished', { published: null }, 'degraded', /published is none/, /portiere logs/],
  ])('names %s', (_case, change, status, cause, hint) => {
    const verdict = judge({ ...well, ...change });
    expect(verdict.status).toBe(status);
    expect(verdict.cause).toMatch(cause);
    expect(verdict.hint).toMatch(hint);
    expect(verdict.components[0]?.name).toBe('api');
  });
});
