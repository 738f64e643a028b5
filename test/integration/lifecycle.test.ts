import { appendFile, chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  isListening,
  killStrays,
  newProject,
  processesOf,
  sample,
  type TestProject,
} from '../support/cli.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { litter, snapshot } from '../support/folder.ts';

let project: TestProject;
beforeAll(async () => {
  project = await newProject();
});
afterAll(async () => {
  await killStrays();
});

const file = (name: string): string => join(project.folder, name);
const modeOf = async (name: string): Promise<number> => (await stat(file(name))).mode & 0o777;

describe('init', () => {
  it('writes config, .gitignore lines and secrets that only the owner reads', async () => {
    const { code, stdout } = await project.run(['init', '--yes', '--name', 'life']);
    expect(code).toBe(0);
    expect(stdout).toContain('Next: portiere up');
    expect(await readFile(file('portiere.config.yaml'), 'utf8')).toContain('name: "life"');
    expect(await readFile(file('.gitignore'), 'utf8')).toContain('.env.*\n!.env.example\n.portiere/');
    expect(await readFile(file('.env.embedded'), 'utf8')).toMatch(
      /^JWT_SECRET=[\w-]{43}\nAPI_KEY_SALT=[\w-]{43}$/m,
    );
    expect(await modeOf('.env.embedded')).toBe(0o600);
  });

  it('changes nothing the second time', async () => {
    const before = await snapshot(project.folder);
    const { data } = await project.json(['init', '--yes', '--name', 'other']);
    expect(data.files.map((one: { action: string }) => one.action)).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
    expect(await snapshot(project.folder)).toEqual(before);
  });

  it('fills only what is missing', async () => {
    const [config, secrets] = await Promise.all(
      [file('portiere.config.yaml'), file('.env.embedded')].map(async (path) => await readFile(path, 'utf8')),
    );
    const [comment, jwt] = secrets!.split('\n');
    await writeFile(file('.env.embedded'), `${comment}\n${jwt}\n# mine`);
    await rm(file('.gitignore'));
    const { data } = await project.json(['init', '--yes']);
    expect(data.files).toEqual([
      { file: 'portiere.config.yaml', action: 'unchanged', secretNames: [] },
      { file: '.gitignore', action: 'create', secretNames: [] },
      { file: '.env.embedded', action: 'append', secretNames: ['API_KEY_SALT'] },
    ]);
    expect(await readFile(file('portiere.config.yaml'), 'utf8')).toBe(config);
    expect(await readFile(file('.env.embedded'), 'utf8')).toMatch(
      new RegExp(`^${comment}\n${jwt}\n# mine\nAPI_KEY_SALT=`),
    );
    expect(await modeOf('.env.embedded')).toBe(0o600);
  });

  it('warns about secrets that others may read', async () => {
    await chmod(file('.env.embedded'), 0o644);
    const { warnings } = await project.json(['config', 'validate']);
    expect(warnings).toEqual([expect.stringContaining('chmod 600 .env.embedded')]);
    await chmod(file('.env.embedded'), 0o600);
  });
});

describe('before the first up', () => {
  it.each(['up', 'down', 'vocab load', 'index build', 'serve', 'demo', 'migrate up', 'migrate plan'])(
    '%s as a dry run changes nothing on disk',
    async (command) => {
      const before = await snapshot(project.folder);
      const { code, stdout, stderr } = await project.run([...command.split(' '), '--dry-run']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout.trim()).not.toBe('');
      expect(await snapshot(project.folder)).toEqual(before);
    },
  );

  it('says that nothing runs', async () => {
    expect((await project.json(['status'])).data).toMatchObject({
      running: false,
      published: null,
      health: 'down',
    });
    expect(await project.json(['health'])).toMatchObject({
      code: 8,
      data: { cause: 'The stack is not running.' },
    });
    expect(await project.json(['search', 'asthma'])).toMatchObject({
      code: 6,
      error: { code: 'SERVER_UNREACHABLE' },
    });
    expect((await project.run(['logs'])).code).toBe(6);
  });
});

describe('a stack that is up', () => {
  let build: string;
  let pid: number | undefined;

  it('comes up from nothing', async () => {
    const { code, data } = await project.json(['up']);
    expect(code).toBe(0);
    expect(Object.values(data.plan)).toEqual([
      '4 pending',
      'none is loaded',
      'none is published',
      null,
      'not running',
    ]);
    build = data.build;
    pid = await project.serverPid();
  });

  it('tells its state, health and log', async () => {
    expect(await project.json(['status', '--detailed-exitcode'])).toMatchObject({
      code: 0,
      data: { running: true, in_sync: true, pid, published: build, serving: build, health: 'ok' },
    });
    expect((await project.json(['health'])).data).toMatchObject({ status: 'ok', build, cause: '' });
    const lines: string[] = (await project.json(['logs', '--tail', '3'])).data.lines;
    expect(lines).toHaveLength(3);
  });

  it('finds by synonym, by code and misspelt', async () => {
    for (const [text, name] of [
      ['heart attack', 'Myocardial infarction'],
      ['CL-E11', 'Type 2 diabetes, no complication noted'],
      ['miocardial infraction', 'Myocardial infarction'],
    ]) {
      const { data } = await project.json(['search', text!, '--limit', '3']);
      expect(data.build).toBe(build);
      expect(data.hits.map((hit: { concept_name: string }) => hit.concept_name)).toContain(name);
    }
  });

  it('has nothing to do for a second up, quickly', async () => {
    const { data } = await project.json(['up']);
    expect(Object.values(data.plan)).toEqual([null, null, null, null, null]);
    expect(await project.serverPid()).toBe(pid);
    const { code, stdout, milliseconds } = await project.run(['up', '--dry-run']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing to do: everything is up to date.\n' });
    expect(milliseconds).toBeLessThan(3_000);
  });

  it('does not stop for a dry run of down', async () => {
    const before = await snapshot(project.folder);
    expect((await project.json(['down', '--dry-run'])).data).toEqual({ stop: [pid] });
    const { 'server.log': _log, ...after } = await snapshot(project.folder);
    expect(Object.keys(after)).toEqual(Object.keys(before).filter((name) => name !== 'server.log'));
    expect(await project.serverPid()).toBe(pid);
  });

  it('restarts its server when a setting changed', async () => {
    await appendFile(file('portiere.config.yaml'), 'settings:\n  LOG_LEVEL: WARNING\n');
    expect(await project.json(['status', '--detailed-exitcode'])).toMatchObject({
      code: 2,
      data: { in_sync: false },
    });
    const { data } = await project.json(['up']);
    expect(data.plan).toMatchObject({
      build: null,
      stop: 'its settings changed',
      start: 'its settings changed',
    });
    expect(data.build).toBe(build);
    expect(await project.serverPid()).not.toBe(pid);
    expect(await processesOf(project.folder)).toEqual([await project.serverPid()]);
    pid = await project.serverPid();
  });

  it('moves to another vocabulary without a restart', async () => {
    const other = await smallVocabulary(file('other'), {
      101: 'Purple elephantiasis',
      102: 'Green elephantiasis',
    });
    const { data } = await project.json(['up', '--vocabulary', other]);
    expect(data.plan).toMatchObject({ stop: null, start: null });
    expect(data.counts.concepts).toBe(2);
    expect(data.build).not.toBe(build);
    expect(await project.serverPid()).toBe(pid);
    const answer = await project.json(['search', 'purple elephantiasis']);
    expect(answer.data).toMatchObject({
      build: data.build,
      hits: [{ concept_id: 101 }, { concept_id: 102 }],
    });
  });

  it('keeps the vocabulary it was given when none is configured', async () => {
    expect((await project.json(['up'])).data.plan).toMatchObject({ load: null, build: null });
  });

  it('moves back, and keeps two builds', async () => {
    expect((await project.json(['up', '--vocabulary', sample])).data.counts.concepts).toBe(309);
    expect((await project.json(['index', 'build'])).data.counts.concepts).toBe(309);
    expect((await project.json(['index', 'status'])).data.builds).toHaveLength(2);
  });
});

describe('down', () => {
  it('leaves no process, no open port and no litter', async () => {
    const { code, stdout } = await project.run(['down']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Stopped.') });
    expect(await processesOf(project.folder)).toEqual([]);
    expect(await isListening(project.port)).toBe(false);
    expect(await litter(project.folder)).toEqual([]);
  });

  it('is fine twice', async () => {
    const { code, stdout } = await project.run(['down']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing was running.\n' });
  });

  it('keeps the data for the next up', async () => {
    expect((await project.json(['up'])).data.plan).toMatchObject({
      migrate: null,
      load: null,
      build: null,
      start: 'not running',
    });
    expect((await project.run(['down'])).code).toBe(0);
  });
});
