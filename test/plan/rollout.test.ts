import { describe, expect, it } from 'vitest';

import { planUp, type UpFacts } from '../../src/plan/rollout.ts';

const sample = { label: 'sample', digest: 'aaaa' };
const settled: UpFacts = {
  pendingMigrations: [],
  wanted: sample,
  select: [],
  loaded: sample,
  published: { digest: 'aaaa', select: [], usable: true, asWished: true, model: 'hashing' },
  model: 'hashing',
  server: 'running',
};
const nothing = { migrate: null, load: null, build: null, stop: null, start: null };
const planned = (facts: Partial<UpFacts>) => planUp({ ...settled, ...facts });

describe('planUp', () => {
  it('does nothing where everything is as wanted', () => {
    expect(planUp(settled)).toEqual(nothing);
    expect(planned({ wanted: null })).toEqual(nothing);
  });

  it('does everything in an empty folder', () => {
    const facts = { pendingMigrations: ['a', 'b'], loaded: null, published: null, server: 'none' } as const;
    expect(planned(facts)).toEqual({
      migrate: '2 pending',
      load: 'none is loaded',
      build: 'none is published',
      stop: null,
      start: 'not running',
    });
  });

  it('loads and builds anew for another vocabulary, without a restart', () => {
    const plan = planned({ wanted: { label: 'other.zip', digest: 'bbbb' } });
    expect(plan).toEqual({
      ...nothing,
      load: 'other.zip is not what is loaded',
      build: 'the vocabulary changed',
    });
  });

  it('builds what is loaded where no vocabulary is configured', () => {
    expect(planned({ wanted: null, loaded: { label: 'kept', digest: 'cccc' } })).toEqual({
      ...nothing,
      build: 'the vocabulary changed',
    });
  });

  it('builds anew for another model or selection; the order of a selection does not matter', () => {
    const published = { digest: 'aaaa', select: ['B', 'A'], usable: true, asWished: true, model: 'hashing' };
    expect(planned({ published, select: ['A'] }).build).toBe('the selection changed');
    expect(planned({ published, select: ['A', 'B'] }).build).toBeNull();
    expect(
      planned({ published: { ...published, usable: false, asWished: true }, model: 'minilm' }).build,
    ).toBe('published by hashing, wanted minilm');
  });

  it.each([
    ['none', null, 'not running'],
    ['gone', null, 'it was killed or crashed'],
    ['other-settings', 'its settings changed', 'its settings changed'],
    ['running', null, null],
  ] as const)('with the server %s stops for %s and starts for %s', (server, stop, start) => {
    expect(planned({ server })).toEqual({ ...nothing, stop, start });
  });
});
