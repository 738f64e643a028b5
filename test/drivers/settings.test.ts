import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { settingsFiles } from '../../src/drivers/settings.ts';

let folder: string;
const at = (...names: string[]): string => path.join(folder, ...names);
const load = async (explicit?: string) => await settingsFiles.load(folder, explicit);
const write = async (name: string, text: string): Promise<string> => {
  await mkdir(path.dirname(at(name)), { recursive: true });
  await writeFile(at(name), text);
  return at(name);
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-settings-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('settingsFiles', () => {
  it.each([
    ['portiere.config.yaml', 'version: 1\nname: x\n'],
    ['portiere.config.json', '{"version": 1, "name": "x"}'],
    ['.portiererc', 'version: 1\nname: x\n'],
    ['.config/portiere.yml', 'version: 1\nname: x\n'],
    ['package.json', '{"name": "other", "portiere": {"version": 1, "name": "x"}}'],
  ])('finds %s', async (name, text) => {
    const file = await write(name, text);
    expect(await load()).toMatchObject({ path: file, data: { version: 1, name: 'x' } });
  });

  it('finds nothing, or the config of a folder above', async () => {
    await write('package.json', '{"name": "other"}');
    expect(await load()).toBeUndefined();
    const file = await write('portiere.config.yaml', 'version: 1\n');
    await mkdir(at('deep', 'er'), { recursive: true });
    expect(await settingsFiles.load(at('deep', 'er'), undefined)).toMatchObject({ path: file });
  });

  it('takes the named file before any other', async () => {
    await write('portiere.config.yaml', 'name: found\n');
    expect(await load(await write('own.yml', 'name: named\n'))).toMatchObject({ data: { name: 'named' } });
    await expect(load(at('none.yaml'))).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: expect.stringContaining('none.yaml'),
    });
  });

  it('knows in which line a key of a YAML file stands', async () => {
    await write('portiere.config.yaml', 'version: 1\n\nsettings:\n  # a port\n  API_PORT: 8000\n');
    const found = await load();
    expect(found?.lineOf(['settings', 'API_PORT'])).toBe(5);
    expect(found?.lineOf(['settings', 'NONE'])).toBeUndefined();
    expect(found?.lineOf(['none', 'deeper'])).toBeUndefined();
    const json = await load(await write('x.json', '{"version": 1}'));
    expect(json?.lineOf(['version'])).toBeUndefined();
  });

  it('takes an empty file for an empty config', async () => {
    for (const text of ['', '# only a comment\n'])
      expect(await load(await write('portiere.config.yaml', text))).toMatchObject({ data: {} });
  });

  it.each(['a.js', 'a.mjs', 'a.cjs', 'a.ts'])('never runs %s', async (name) => {
    const text = 'globalThis.ran = true; export default {};';
    await expect(load(await write(name, text))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('programs never'),
    });
    expect(globalThis).not.toHaveProperty('ran');
  });

  it.each([
    ['a cut file', 'a: [1,\n', /portiere\.config\.yaml cannot be read/],
    ['a key twice', 'a: 1\na: 2\n', /unique/],
    ['a tag that builds something', 'a: !!js/function "x"\n', /tag/],
    ['an import', '$import: other.yaml\n', /\$import is not supported/],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefgh')
        .map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(9)}]`)
        .join('\n')}\n`,
      /alias/,
    ],
  ])('refuses %s', async (_case, text, message) => {
    await write('portiere.config.yaml', text);
    await expect(load()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('portiere config validate'),
    });
  });

  it('refuses broken JSON and JSON that imports', async () => {
    const other = await write('other.json', '{"settings": {}}');
    for (const text of ['{"a": }', `{"$import": ${JSON.stringify(other)}}`])
      await expect(load(await write('x.json', text))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each(['portiere.config.yaml', 'portiere.config.json'])(
    'keeps __proto__ in %s a key like any other',
    async (name) => {
      await write(name, '{"__proto__": {"polluted": true}}');
      const found = await load();
      expect(Object.keys(found?.data as object)).toEqual(['__proto__']);
      expect(found?.data).not.toHaveProperty('polluted');
      expect({}).not.toHaveProperty('polluted');
    },
  );
});
