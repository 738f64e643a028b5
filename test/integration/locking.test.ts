import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  kill,
  killStrays,
  newProject,
  occupy,
  processesOf,
  type TestProject,
  until,
} from '../support/cli.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { litter } from '../support/folder.ts';

let project: TestProject;
let stranger: ChildProcess;
beforeAll(async () => {
  project = await newProject();
  expect((await project.run(['init', '--yes', '--name', 'locks'])).code).toBe(0);
  stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
});
afterAll(async () => {
  stranger.kill('SIGKILL');
  await killStrays();
});

describe('two at once', () => {
  it('lets one up work and tells the other who does', async () => {
    const words = ['Purple', 'Green', 'Yellow'];
    for (const [round, word] of words.entries()) {
      const args = [
        'up',
        '--vocabulary',
        await smallVocabulary(join(project.folder, word), { 1: `${word} ${round}` }),
      ];
      const both = await Promise.all([project.json(args), project.json(args)]);
      const [works, waits] = both[0].ok ? both : [both[1], both[0]];
      expect(works).toMatchObject({ code: 0, data: { counts: { concepts: 1 } } });
      expect(waits.error?.code).toBe('LOCKED');
      expect(waits.code).toBe(5);
      expect(waits.error?.message).toMatch(/^`up` \(pid \d+ on \S+\) has held operation\.lease for \d+ s\.$/);
      expect((await project.json(['search', word])).data.hits).toMatchObject([
        { concept_name: `${word} ${round}` },
      ]);
      expect(await processesOf(project.folder)).toHaveLength(1);
    }
  });

  it('refuses a load and a build while another command changes the environment', async () => {
    await lease({ pid: stranger.pid!, started: startTime(stranger.pid!), boot: bootId() });
    for (const command of ['vocab load', 'index build', 'migrate up', 'down', 'up']) {
      expect(await project.json(command.split(' '))).toMatchObject({
        code: 5,
        error: { message: expect.stringContaining(`\`test\` (pid ${stranger.pid} on `) },
      });
    }
    expect((await project.json(['health'])).code).toBe(0);
  });
});

describe('a lease of a holder that is gone', () => {
  it.each([
    ['a dead pid', () => ({ pid: 2 ** 22 + 1, started: '1@x', boot: bootId() })],
    ['a pid that a stranger got', () => ({ pid: stranger.pid!, started: `1@${bootId()}`, boot: bootId() })],
    ['another boot', () => ({ pid: stranger.pid!, started: startTime(stranger.pid!), boot: 'another' })],
    ['another machine, expired', () => ({ host: 'elsewhere', boot: 'another', expires: Date.now() - 1 })],
    ['nobody, cut by a power failure', () => ''],
  ])('is taken over: %s', async (_title, holder) => {
    const held = holder();
    await (typeof held === 'string' ? writeFile(join(project.state, 'operation.lease'), held) : lease(held));
    expect((await project.run(['migrate', 'up'])).code).toBe(0);
    expect(await litter(project.folder)).toEqual(['.portiere/embedded/postgres.lease']);
  });

  it('is not taken before it expires when it is of another machine', async () => {
    await lease({ host: 'elsewhere', boot: 'another', expires: Date.now() + 10_000 });
    expect((await project.run(['migrate', 'up'])).code).toBe(5);
    await until('the lease expires', async () => (await project.run(['migrate', 'up'])).code === 0);
  });
});

describe('a server that was killed', () => {
  it('is told by health with exit 8, and repaired by up', async () => {
    const pid = (await project.serverPid())!;
    kill(pid, 'SIGKILL');
    await until('the server is gone', async () => (await processesOf(project.folder)).length === 0);
    const { code, stdout } = await project.run(['health']);
    expect(code).toBe(8);
    expect(stdout).toContain(`The server (pid ${pid}) is gone: it was killed or it crashed.`);
    expect(stdout).toContain('hint: portiere up repairs it');
    expect((await project.json(['search', 'x'])).code).toBe(6);
    expect((await project.json(['up'])).data.plan).toMatchObject({
      load: null,
      build: null,
      start: 'it was killed or crashed',
    });
    expect((await project.json(['health'])).code).toBe(0);
  });
});

describe('a second server', () => {
  it('on another port is refused, and the first one stays known', async () => {
    const pid = await project.serverPid();
    const second = await project.json(['serve'], { env: { API_PORT: String(project.port + 1) } });
    expect(second).toMatchObject({
      code: 5,
      error: { message: expect.stringContaining(`\`serve\` (pid ${pid} on `) },
    });
    expect(await project.serverPid()).toBe(pid);
    expect((await project.json(['health'])).code).toBe(0);
  });
});

describe('an up that was killed while its server started', () => {
  it('needs nothing but another up, which waits for that server or starts one', async () => {
    for (const wait of [0, 150, 400, 700]) {
      await project.run(['down']);
      const { child, done, stderr } = project.start(['up']);
      await until('the server is started', () => stderr().includes('Start the search API'));
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
      });
      child.kill('SIGKILL');
      await done;
      const { code, error } = await project.json(['up']);
      expect({ wait, code, error }).toEqual({ wait, code: 0, error: undefined });
      expect(await processesOf(project.folder)).toEqual([await project.serverPid()]);
    }
  });
});

describe('down', () => {
  it.each([
    [
      'a stranger has its pid now',
      () => ({ pid: stranger.pid, started: `1@${bootId()}`, url: 'http://127.0.0.1:1' }),
    ],
    ['the note has no start time', () => ({ pid: stranger.pid, started: null, url: 'http://127.0.0.1:1' })],
    ['the note names everything', () => ({ pid: -1, started: null, url: 'http://127.0.0.1:1' })],
    ['the note is not an object', () => null],
  ])('kills nobody when %s', async (_title, note) => {
    await project.run(['down']);
    await writeFile(join(project.state, 'server.json'), JSON.stringify(note()));
    expect(await project.json(['down'])).toMatchObject({ code: 0, data: { stopped: false } });
    expect(startTime(stranger.pid!)).toMatch(/^\d+@/);
  });
});

describe('a port in use', () => {
  it('ends up with exit 4 and the owner, before anything is changed', async () => {
    const other = await occupy(project.port);
    const answer = await project.json(['up']);
    expect(answer).toMatchObject({ code: 4, error: { code: 'PORT_IN_USE' } });
    expect(answer.error?.message).toMatch(
      new RegExp(`^Port ${project.port} on 127\\.0\\.0\\.1 is taken by .+ \\(pid ${process.pid}\\)\\.$`),
    );
    expect(answer.error?.hint).toContain('API_PORT=');
    other.close();
  });

  it('does not cost the server that answers at the old one', async () => {
    expect((await project.run(['up'])).code).toBe(0);
    const pid = await project.serverPid();
    const other = await occupy(project.port + 1);
    const moved = await project.json(['up'], { env: { API_PORT: String(project.port + 1) } });
    other.close();
    expect(moved.error?.code).toBe('PORT_IN_USE');
    expect(await project.serverPid()).toBe(pid);
    expect((await project.get('/health/ready')).status).toBe(200);
    expect((await project.run(['down'])).code).toBe(0);
    expect(await litter(project.folder)).toEqual([]);
  });
});

async function lease(holder: Record<string, unknown>): Promise<void> {
  await mkdir(project.state, { recursive: true });
  const usual = {
    token: 'b5c2d3f4-0000-4000-8000-000000000000',
    command: 'test',
    pid: 1,
    host: os.hostname(),
    boot: null,
    started: null,
    since: new Date().toISOString(),
    expires: Date.now() + 30_000,
  };
  await writeFile(join(project.state, 'operation.lease'), JSON.stringify({ ...usual, ...holder }));
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return `${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}@${bootId()}`;
}
