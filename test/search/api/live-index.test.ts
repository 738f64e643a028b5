import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { buildsFolder, publish, sweep } from '../../../src/search/index/publish.ts';
import { build, buildAndPublish, newPointer } from '../index/given.ts';
import { type Api, startApi } from './given.ts';

let folder: string;
let pointer: string;
let api: Api;
beforeEach(async () => {
  ({ folder, pointer } = await newPointer());
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const later = new Date('2026-01-02T04:00:00Z');

describe('the live index', () => {
  it('takes the first build when it is published', async () => {
    api = await startApi(pointer);
    expect((await api.get('/v1/search?q=asthma')).status).toBe(503);
    const { id } = await buildAndPublish(pointer);
    await expect.poll(() => api.index.state().build, { timeout: 3000 }).toBe(id);
    expect((await api.get('/v1/search?q=asthma')).status).toBe(200);
  });

  it('swaps builds under load without losing or mixing an answer', async () => {
    const first = await buildAndPublish(pointer);
    api = await startApi(pointer);
    const second = await build(pointer, { now: later });
    const seen = new Map<string, number>();
    const ask = async (): Promise<void> => {
      const { status, body } = await api.get('/v1/search?q=heart%20attack');
      expect(status).toBe(200);
      seen.set(body.build as string, (seen.get(body.build as string) ?? 0) + 1);
    };
    for (let turn = 0; turn < 6; turn++) {
      const asked = Array.from({ length: 8 }, ask);
      await publish(pointer, turn % 2 === 0 ? second.id : first.id);
      await Promise.all([...asked, api.index.refresh(), ...Array.from({ length: 6 }, ask)]);
    }
    expect([...seen.keys()].sort()).toEqual([first.id, second.id]);
    expect([...seen.values()].reduce((sum, count) => sum + count)).toBe(84);
    expect(api.failures).toEqual([]);
  });

  it('lets who has a build finish with it after the swap, then closes it', async () => {
    await buildAndPublish(pointer);
    api = await startApi(pointer);
    let held: { counts(): unknown } | undefined;
    await api.index.use(async ({ lexical }) => {
      held = lexical;
      await buildAndPublish(pointer, { now: later });
      await api.index.refresh();
      await sweep(pointer, { keep: 1 });
      expect(lexical.term(0)?.text).toBe('Heart disease');
    });
    expect(() => held?.counts()).toThrow(/not open/);
  });

  it('goes on with its build when the next one cannot be opened, and tells once', async () => {
    const first = await buildAndPublish(pointer);
    api = await startApi(pointer);
    const second = await buildAndPublish(pointer, { now: later });
    await writeFile(path.join(buildsFolder(pointer), second.id, 'ids'), 'short');
    await api.index.refresh();
    await api.index.refresh();
    expect(api.index.state()).toMatchObject({ build: first.id, failure: expect.stringContaining('sidecar') });
    expect(api.failures).toHaveLength(1);
    expect((await api.get('/v1/search?q=asthma')).body).toMatchObject({ build: first.id });
    await publish(pointer, first.id);
    await api.index.refresh();
    expect(api.index.state()).toMatchObject({ build: first.id, failure: null });
  });
});
