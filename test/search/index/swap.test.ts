import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { publish, publishedBuild } from '../../../src/search/index/publish.ts';
import { pendingSwap, settleSwap, swap } from '../../../src/search/index/swap.ts';
import { indexOf } from '../../../src/search/lexical/elasticsearch-index.ts';
import { type FakeSearchEngine, fakeSearchEngine } from '../../support/search-engine.ts';
import { newPointer } from './given.ts';

const [one, two] = ['20260101T000000000Z-feedfeed', '20260102T000000000Z-feedfeed'] as const;
const now = new Date('2026-01-03T00:00:00Z');
let folder: string;
let pointer: string;
let engine: FakeSearchEngine;
beforeEach(async () => {
  ({ folder, pointer } = await newPointer());
  await mkdir(path.dirname(pointer), { recursive: true });
  engine = fakeSearchEngine();
  for (const id of [one, two]) engine.indices.set(indexOf(id), new Map());
  await swap(pointer, one, { engine, now });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const aliased = (): readonly string[] => [...(engine.aliases.get('concepts') ?? [])];
const failing = (): FakeSearchEngine => ({
  ...engine,
  moveAlias: () => Promise.reject(new Error('gone')),
});

describe('a swap', () => {
  it('moves the pointer and the alias, and leaves nothing to settle', async () => {
    await swap(pointer, two, { engine, now });
    expect(await publishedBuild(pointer)).toBe(two);
    expect(aliased()).toEqual([indexOf(two)]);
    expect(await pendingSwap(pointer)).toBeUndefined();
    expect(await settleSwap(pointer, engine)).toBeUndefined();
  });

  it('broken off after the pointer is settled forward', async () => {
    await expect(swap(pointer, two, { engine: failing(), now })).rejects.toThrow('gone');
    expect(await publishedBuild(pointer)).toBe(two);
    expect(aliased()).toEqual([indexOf(one)]);
    expect(await pendingSwap(pointer)).toEqual({ from: one, to: two, begun: now.toISOString() });
    expect(await settleSwap(pointer, engine)).toBe(two);
    expect(aliased()).toEqual([indexOf(two)]);
    expect(await pendingSwap(pointer)).toBeUndefined();
  });

  it('broken off before the pointer is settled back', async () => {
    await expect(swap(pointer, two, { engine: failing(), now })).rejects.toThrow('gone');
    await publish(pointer, one);
    expect(await settleSwap(pointer, engine)).toBe(one);
    expect(aliased()).toEqual([indexOf(one)]);
    expect(await pendingSwap(pointer)).toBeUndefined();
  });

  it('stays pending, and stops nobody, where the engine has lost the build', async () => {
    await expect(swap(pointer, two, { engine: failing(), now })).rejects.toThrow('gone');
    engine.indices.delete(indexOf(two));
    expect(await settleSwap(pointer, engine)).toBe(two);
    expect(aliased()).toEqual([indexOf(one)]);
    engine.indices.set(indexOf(two), new Map());
    await swap(pointer, two, { engine, now });
    expect(aliased()).toEqual([indexOf(two)]);
    expect(await pendingSwap(pointer)).toBeUndefined();
  });

  it('stays pending while the engine cannot be told', async () => {
    await expect(swap(pointer, two, { engine: failing(), now })).rejects.toThrow('gone');
    await expect(settleSwap(pointer, failing())).rejects.toThrow('gone');
    expect(await pendingSwap(pointer)).toBeDefined();
  });

  it('whose journal is damaged says so', async () => {
    await writeFile(path.join(path.dirname(pointer), 'swap.json'), '{"to": ');
    await expect(settleSwap(pointer, engine)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(/swap\.json/),
    });
  });
});
