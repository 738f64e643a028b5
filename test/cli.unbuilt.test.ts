import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));

describe('a checkout that is not built', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'portiere-unbuilt-'));
    mkdirSync(join(folder, 'bin'));
    for (const file of ['package.json', 'bin/portiere.js']) cpSync(join(project, file), join(folder, file));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([['up'], ['index', 'list'], ['index', 'build']])('says so for %s %s', (...args) => {
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin/portiere.js'), ...args], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^portiere is not built yet\. .*\n$/);
  });
});
