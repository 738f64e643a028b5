import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, type Inspection } from './architecture/inspect.ts';
import { planted } from './architecture/planted.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

const faults = planted.flatMap(({ complaint }) => complaint ?? []);

describe('the house', () => {
  let found: Inspection;
  beforeAll(async () => {
    found = await inspect(project);
  });

  it('was read in full, so that an inspection of nothing cannot pass', () => {
    expect(found.read).toEqual(found.files);
    expect(found.read.length).toBeGreaterThanOrEqual(100);
  });

  it('keeps its rooms, floors, doors and lengths', () => {
    expect(found.complaints).toEqual([]);
  });
});

describe('the inspection', () => {
  let copy: string;
  let found: readonly string[];
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'portiere-house-'));
    await cp(join(project, 'src'), join(copy, 'src'), { recursive: true });
    await symlink(join(project, 'node_modules'), join(copy, 'node_modules'));
    for (const { path, text } of planted) {
      await mkdir(dirname(join(copy, path)), { recursive: true });
      await writeFile(join(copy, path), text);
    }
    found = (await inspect(copy)).complaints.filter((line) => line.includes('planted'));
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  it.each(faults)('sees %s', (fault) => {
    expect(found).toContain(fault);
  });

  it('finds no fault with the rest of what was planted', () => {
    expect(found).toEqual(faults.toSorted());
  });
});
