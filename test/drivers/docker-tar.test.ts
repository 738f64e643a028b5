import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { firstEntry } from '../../src/drivers/docker-tar.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'portiere-tar-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function tar(name: string, format: string): Buffer {
  return execFileSync('tar', ['--create', `--format=${format}`, '--directory', folder, name]);
}

describe.each(['ustar', 'gnu', 'pax'])('an archive in format %s', (format) => {
  it('holds a file', () => {
    writeFileSync(path.join(folder, 'file'), 'text\n'.repeat(300));
    expect(firstEntry(tar('file', format))).toEqual({
      kind: 'file',
      content: Buffer.from('text\n'.repeat(300)),
    });
    writeFileSync(path.join(folder, 'empty'), '');
    expect(firstEntry(tar('empty', format))).toEqual({ kind: 'file', content: Buffer.alloc(0) });
  });

  it('holds a link, or a folder', () => {
    symlinkSync('/some/where', path.join(folder, `link-${format}`));
    expect(firstEntry(tar(`link-${format}`, format))).toEqual({ kind: 'link', target: '/some/where' });
    mkdirSync(path.join(folder, 'folder'), { recursive: true });
    expect(firstEntry(tar('folder', format))).toEqual({ kind: 'other' });
  });
});

describe.each(['gnu', 'pax'])('an archive in format %s', (format) => {
  it('holds names and targets too long for their fields', () => {
    const name = `${format}-${'n'.repeat(200)}`;
    writeFileSync(path.join(folder, name), 'text');
    expect(firstEntry(tar(name, format))).toEqual({ kind: 'file', content: Buffer.from('text') });
    const target = `/${'t'.repeat(150)}/é`;
    symlinkSync(target, path.join(folder, `long-${format}`));
    expect(firstEntry(tar(`long-${format}`, format))).toEqual({ kind: 'link', target });
  });
});

it('finds nothing in an empty or cut archive', () => {
  expect(firstEntry(Buffer.alloc(0))).toBeUndefined();
  expect(firstEntry(Buffer.alloc(10_240))).toBeUndefined();
  writeFileSync(path.join(folder, 'cut'), 'x'.repeat(5_000));
  expect(firstEntry(tar('cut', 'gnu').subarray(0, 3_000))).toBeUndefined();
});
