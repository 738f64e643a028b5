import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { requireSelfFound } from '../../../src/search/populate/self-found.ts';
import type { VectorBuild } from '../../../src/search/populate/vector-loader.ts';
import { openFromFile } from '../../../src/search/vectors/from-file.ts';
import { vectorBuild } from '../../support/vector-build.ts';

const descriptors = '/proc/self/fd';
const unknown = existsSync(descriptors) ? '' : ` (skipped: no ${descriptors})`;

let folder: string;
let build: VectorBuild;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-self-found-'));
  ({ build } = await vectorBuild(folder, { concepts: 120, engine: 'milvus' }));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('rows that are to find themselves', () => {
  it('do in a server that answers, and tell one that does not', async () => {
    const file = await openFromFile(build.header.path);
    await requireSelfFound(
      'milvus',
      build,
      async ({ vector, k }) => (await file.search(vector, k, undefined)).rows,
    );
    await expect(requireSelfFound('elasticsearch', build, async () => [-1, 1e9])).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('only 0 find themselves in Elasticsearch'),
    });
    await file.close();
  });

  it.skipIf(unknown !== '')(`leave no file open${unknown}`, async () => {
    const before = readdirSync(descriptors).length;
    await requireSelfFound('milvus', build, async () => []).catch(() => undefined);
    expect(readdirSync(descriptors).length).toBe(before);
  });
});
