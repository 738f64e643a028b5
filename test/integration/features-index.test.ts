import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { inspectFaiss } from '../../src/search/vectors/faiss-header.ts';
import { killStrays, newProject, root } from '../support/cli.ts';

const file = join(root, 'test/search/features/files/old.h5');
afterAll(async () => {
  await killStrays();
});

describe('index build --source FILE.h5', () => {
  it('makes a FAISS index and a list of ids, and publishes it beside the ones before', async () => {
    const project = await newProject();
    await project.run(['init', '--yes', '--name', 'features']);
    const args = ['index', 'build', '--source', file, '--out', 'images'];
    const dry = await project.json([...args, '--dry-run']);
    expect(dry.data.would_build).toMatchObject({ count: 5, dimension: 4 });
    const first = await project.json(args);
    expect(first.data.dense).toMatchObject({ type: 'Flat', count: 5, dimension: 4 });
    const second = await project.json(args);
    expect(second.data.files).toEqual(first.data.files);
    const pointer = join(project.folder, 'images/dense.faiss');
    expect(await readlink(pointer)).toBe(`builds/${second.data.id}/dense.faiss`);
    expect(await inspectFaiss(pointer)).toMatchObject({ fourcc: 'IxFI', count: 5, dimension: 4 });
    const ids = await readFile(join(project.folder, 'images/builds', second.data.id, 'ids'), 'utf8');
    expect(ids.trimEnd().split('\n')).toHaveLength(5);
    await project.end();
  });

  it('refuses what is no such file, or lacks the data set, before anything is made', async () => {
    const project = await newProject();
    await project.run(['init', '--yes', '--name', 'features']);
    const none = await project.json([
      'index',
      'build',
      '--source',
      file,
      '--out',
      'images',
      '--vectors',
      'nothing',
    ]);
    expect(none.error).toMatchObject({
      code: 'FEATURES_INVALID',
      message: expect.stringContaining('nothing'),
    });
    const absent = await project.json(['index', 'build', '--source', 'absent.h5', '--out', 'images']);
    expect(absent.ok).toBe(false);
    const nowhere = await project.json(['index', 'build', '--source', file]);
    expect(nowhere.error).toMatchObject({ code: 'USAGE' });
    await project.end();
  });
});
