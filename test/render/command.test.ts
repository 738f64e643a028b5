import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import {
  checkRendered,
  render,
  renderedFiles,
  type RenderOptions,
  writeRendered,
} from '../../src/commands/render.ts';
import { parseDotenv } from '../../src/config/dotenv.ts';
import { isSettingName, settingNames, settingRow } from '../../src/config/settings.ts';
import type { Outcome } from '../../src/ports.ts';
import { targets } from '../../src/render/targets.ts';
import { type FakePorts, fakePorts, root, type World } from '../support/ports.ts';
import { builtStack } from '../support/stack.ts';

const folder = `${root}/.portiere/render/dev`;
const templates = fileURLToPath(new URL('../../templates/', import.meta.url));
const secrets = {
  DB_PASSWORD: 'pH7r2Wk9Qx4Vz1Nc8Lt5',
  JWT_SECRET: 'm3Qv8ZrT1xKp7LwN5bYc9HdJ2fGs6AeU4iOo0RtXzWq',
  API_KEY_SALT: 'Zy4Kd0Vn8Xc2Bm6Qw1Er5Tt9Yu3Io7Pa-Sd_FgHjKlM',
};

/** A project on the disk of fakes, with the real templates beside it. */
function project(world: World = {}): FakePorts {
  const ports = fakePorts({ config: { name: 'demo' }, env: secrets, ...world });
  for (const name of Object.values(targets).flatMap((target) => target.templates)) {
    const file = path.join(templates, name);
    ports.disk.set(path.join(ports.self.templates, name), readFileSync(file, 'utf8'));
  }
  return {
    ...ports,
    files: {
      ...ports.files,
      makeFolder: async (place, mode) => void ports.modes.set(place, mode ?? 0o755),
      mode: async (file) => ports.modes.get(file),
    },
  };
}

const run = async (ports: FakePorts, options: RenderOptions = {}): Promise<Outcome> =>
  await render(ports, { env: 'dev', ...options });
const actions = ({ data }: Outcome): Record<string, string> =>
  Object.fromEntries(
    (data as { files: { path: string; action: string }[] }).files.map((file) => [file.path, file.action]),
  );

describe('render', () => {
  it('writes everything up needs under one folder, secrets readable in a folder of the owner alone', async () => {
    const ports = project();
    const outcome = await run(ports);
    expect(Object.keys(actions(outcome))).toEqual(
      expect.arrayContaining([
        'compose.yaml',
        'proxy/nginx.conf',
        'api/portiere.config.yaml',
        'build/api/Dockerfile',
      ]),
    );
    expect(ports.disk.get(`${folder}/secrets/DB_PASSWORD`)).toBe(secrets.DB_PASSWORD);
    expect(ports.modes.get(`${folder}/secrets/DB_PASSWORD`)).toBe(0o444);
    expect(ports.modes.get(`${folder}/secrets`)).toBe(0o700);
    expect(ports.modes.get(`${folder}/compose.yaml`)).toBe(0o644);
    expect(ports.modes.get(`${folder}/manifest.json`)).toBe(0o600);
    expect(ports.disk.get(`${folder}/manifest.json`)).not.toContain(secrets.DB_PASSWORD);
    expect(ports.leased).toEqual(['operation.lease render']);
  });

  it('changes nothing the second time, and only what differs after a change', async () => {
    const ports = project();
    await run(ports);
    const before = new Map(ports.disk);
    expect(new Set(Object.values(actions(await run(ports))))).toEqual(new Set(['unchanged']));
    expect(ports.disk).toEqual(before);
    const changed = { ...ports, caller: { ...ports.caller, env: { ...secrets, LOG_LEVEL: 'DEBUG' } } };
    const touched = Object.entries(actions(await run(changed))).filter(
      ([, action]) => action !== 'unchanged',
    );
    expect(touched).toEqual([['compose.yaml', 'update']]);
  });

  it('with --check and --dry-run writes nothing; --check is 2 where files differ', async () => {
    const ports = project();
    const before = new Map(ports.disk);
    expect((await run(ports, { check: true })).exitCode).toBe(2);
    expect((await run(ports, { dryRun: true })).exitCode).toBe(0);
    expect(ports.disk).toEqual(before);
    await run(ports);
    expect((await run(ports, { check: true })).exitCode).toBe(0);
  });

  it('refuses a file that was edited by hand, all or nothing, unless it is forced', async () => {
    const ports = project();
    await run(ports);
    const file = `${folder}/proxy/nginx.conf`;
    ports.disk.set(file, `${ports.disk.get(file) ?? ''}# mine\n`);
    ports.disk.delete(`${folder}/compose.yaml`);
    await expect(run(ports)).rejects.toMatchObject({
      code: 'FILE_EDITED',
      message: expect.stringContaining('-# mine'),
    });
    expect(ports.disk.has(`${folder}/compose.yaml`)).toBe(false);
    expect((await run(ports, { check: true })).exitCode).toBe(2);
    expect(actions(await run(ports, { force: true }))['proxy/nginx.conf']).toBe('edited');
    expect(ports.disk.get(file)).not.toContain('# mine');
  });

  it('removes a secret that is no longer used, and keeps the files of a target that was not asked for', async () => {
    const ports = project({ env: { ...secrets, REDIS_PASSWORD: 'b6Mj3Yf0Ts9Ug2Xd5Ke8' } });
    await run(ports);
    await run(ports, { target: 'env' });
    expect(ports.modes.get(`${folder}/dev.env`)).toBe(0o600);
    const outcome = await run({ ...ports, caller: { ...ports.caller, env: secrets } });
    expect(actions(outcome)['secrets/REDIS_PASSWORD']).toBe('remove');
    expect(ports.disk.has(`${folder}/secrets/REDIS_PASSWORD`)).toBe(false);
    expect(ports.disk.has(`${folder}/dev.env`)).toBe(true);
  });

  it('writes into another folder, or one target to standard output', async () => {
    const ports = project();
    await run(ports, { target: 'nginx', out: 'elsewhere' });
    expect(ports.disk.has(`${root}/elsewhere/proxy/nginx.conf`)).toBe(true);
    expect(ports.leased).toEqual([]);
    const { view } = await run(ports, { target: 'nginx', out: '-' });
    expect(view[0]).toMatch(
      /^# Written by portiere 1\.2\.3 for demo, environment dev; config [0-9a-f]{12}\.\n/,
    );
    await expect(run(ports, { out: '-' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(run(ports, { target: 'env', out: '-' })).rejects.toMatchObject({ code: 'REFUSED' });
    await expect(run(ports, { target: 'ngin', out: '-' })).rejects.toMatchObject({
      code: 'USAGE',
      hint: 'Did you mean nginx?',
    });
  });

  it('writes every setting that can be a variable', async () => {
    const ports = project();
    await run(ports, { target: 'env' });
    const { values } = parseDotenv(ports.disk.get(`${folder}/dev.env`) ?? '', 'dev.env');
    const { settings } = builtStack({ env: secrets }).config;
    const expected = settingNames.filter(
      (name) => settings[name] !== undefined && !name.includes('.') && settingRow(name).processOnly !== true,
    );
    expect([...values.keys()].filter(isSettingName)).toEqual(
      expect.arrayContaining(expected.filter((name) => name !== 'REDIS_PASSWORD')),
    );
    expect(values.get('DB_PASSWORD')?.value).toBe(secrets.DB_PASSWORD);
    expect(values.get('DB_HOST')?.value).toBe('postgres');
  });

  it('refuses a folder for secrets that others may enter, and a manifest that is none', async () => {
    const open = project();
    const files = { ...open.files, makeFolder: async () => void open.modes.set(`${folder}/secrets`, 0o755) };
    await expect(run({ ...open, files })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('chmod 700'),
    });
    for (const text of ['', '[]', 'null', '{"version":1}', '{"version":1,"key":"k","files":{"a":{}}}']) {
      const ports = project({ files: { '.portiere/render/dev/manifest.json': text } });
      await expect(run(ports)).rejects.toMatchObject({ code: 'FILE_EDITED' });
      expect((await run(ports, { force: true })).exitCode).toBe(0);
    }
  });
});

describe('for up', () => {
  it('writes, tells what differs, and gives the files', async () => {
    const ports = project();
    const { stack } = builtStack();
    expect((await checkRendered(ports, stack, folder)).map(({ action }) => action)).toContain('create');
    await writeRendered(ports, stack, { folder, force: false });
    expect(await checkRendered(ports, stack, folder)).toEqual([]);
    const files = await renderedFiles(ports, stack);
    expect(files.map(({ path: name }) => name)).toContain('compose.yaml');
  });
});
