import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { draftBeside } from '../../src/drivers/drafts.ts';
import { files } from '../../src/drivers/files.ts';

let folder: string;
const at = (...names: string[]): string => path.join(folder, ...names);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-files-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('write', () => {
  it('makes the folder, the text and the mode, and leaves nothing else', async () => {
    await files.write(at('a', 'b', 'secret'), 'one', 0o600);
    expect(await files.read(at('a', 'b', 'secret'))).toBe('one');
    expect(await files.mode(at('a', 'b', 'secret'))).toBe(0o600);
    await files.write(at('a', 'b', 'secret'), 'two', 0o644);
    expect(await files.mode(at('a', 'b', 'secret'))).toBe(0o644);
    expect(await readdir(at('a', 'b'))).toEqual(['secret']);
  });

  it('never shows half a text to a reader', async () => {
    const texts = ['a'.repeat(300_000), 'b'.repeat(300_000)];
    await files.write(at('f'), texts[0] ?? '');
    const writing = (async () => {
      for (let turn = 0; turn < 10; turn++) await files.write(at('f'), texts[turn % 2] ?? '');
    })();
    const seen = new Set<string | undefined>();
    for (let turn = 0; turn < 30; turn++) seen.add(await files.read(at('f')));
    await writing;
    expect([...seen].every((text) => texts.includes(text ?? ''))).toBe(true);
  });

  it('keeps the old text and no litter where it fails', async () => {
    await mkdir(at('taken', 'inside'), { recursive: true });
    await expect(files.write(at('taken'), 'text')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('takes away what killed writers left in the folder, and nothing else', async () => {
    const dead = path.basename(draftBeside(at('f'))).replace(/-\d+-\d+-/, `-${2 ** 22 + 1}-1-`);
    const reused = path.basename(draftBeside(at('f'))).replace(/-\d+-(?=\w+\.tmp$)/, '-1-');
    const elsewhere = (age: string) => `.f.${age}-1-1-00000000.tmp`;
    const kept = [path.basename(draftBeside(at('f'))), elsewhere('fresh'), '.f.tmp', 'f.a-1-1-00000000.tmp'];
    for (const name of [dead, reused, elsewhere('old'), ...kept]) await writeFile(at(name), 'secret');
    await utimes(at(elsewhere('old')), 0, 0);
    await files.write(at('f'), 'text');
    expect((await readdir(folder)).toSorted()).toEqual([...kept, 'f'].toSorted());
  });
});

describe('read, mode, exists, remove', () => {
  it('know what is not there', async () => {
    await writeFile(at('file'), 'x');
    for (const missing of [at('none'), at('file', 'below')]) {
      expect(await files.read(missing)).toBeUndefined();
      expect(await files.mode(missing)).toBeUndefined();
      expect(await files.exists(missing)).toBe(false);
      await files.remove(at('none'));
    }
  });

  it('remove a folder whole, and a link but not its target', async () => {
    await files.makeFolder(at('sub', 'deep'), 0o700);
    expect((await stat(at('sub', 'deep'))).mode & 0o777).toBe(0o700);
    await writeFile(at('kept'), 'x');
    await symlink(at('kept'), at('sub', 'link'));
    await files.remove(at('sub'));
    expect(await readdir(folder)).toEqual(['kept']);
  });
});

describe('tail', () => {
  const last = async (lines: number): Promise<string[]> => {
    const seen: string[] = [];
    for await (const line of files.tail(at('log'), { lines, follow: false, stop: AbortSignal.abort() }))
      seen.push(line);
    return seen;
  };

  it.each([
    ['a\nb\nc\n', 2, ['b', 'c']],
    ['a\nb\nc', 2, ['b', 'c']],
    ['a\nb\n', 9, ['a', 'b']],
    ['a\nb', 0, []],
    ['', 5, []],
  ])('of %j, the last %d', async (text, lines, expected) => {
    await writeFile(at('log'), text);
    expect(await last(lines)).toEqual(expected);
  });

  it('of a file that is not there: nothing', async () => {
    expect(await last(3)).toEqual([]);
  });

  it('of a large file only whole lines', async () => {
    const line = `é${'x'.repeat(997)}\n`;
    await writeFile(at('log'), line.repeat(2_000));
    const seen = await last(5_000);
    expect(seen.length).toBeGreaterThan(1_000);
    expect(seen.every((one) => `${one}\n` === line)).toBe(true);
  });

  it('follows what is added, in pieces, through truncation, until it is stopped', async () => {
    await writeFile(at('log'), 'old\nla');
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const one of files.tail(at('log'), { lines: 1, follow: true, stop: stop.signal }))
        seen.push(one);
    })();
    const sees = async (...lines: string[]) => {
      await expect.poll(() => seen, { interval: 10, timeout: 3000 }).toEqual(lines);
    };
    await sees('old');
    const bytes = Buffer.from('st é\n');
    await appendFile(at('log'), bytes.subarray(0, 4));
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    await appendFile(at('log'), bytes.subarray(4));
    await sees('old', 'last é');
    await truncate(at('log'));
    await appendFile(at('log'), 'new\n');
    await sees('old', 'last é', 'new');
    stop.abort();
    await following;
    expect(await readFile(at('log'), 'utf8')).toBe('new\n');
  });
});
