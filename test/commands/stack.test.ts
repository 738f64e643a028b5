import { describe, expect, it } from 'vitest';

import { down } from '../../src/commands/down.ts';
import { health } from '../../src/commands/health.ts';
import { logs } from '../../src/commands/logs.ts';
import { search } from '../../src/commands/search.ts';
import { status } from '../../src/commands/status.ts';
import { fakePorts, root } from '../support/ports.ts';
import { running, viewed } from './given.ts';

const state = `${root}/.portiere/embedded`;
const dead = { ...running, running: [] };

describe('down', () => {
  it('stops exactly the noted process under the lease, and says where the data stays', async () => {
    const ports = fakePorts(running);
    const outcome = await down(ports, {});
    expect(ports.stopped).toMatchObject([{ pid: 7, started: '1@boot' }]);
    expect(ports.leased).toEqual(['operation.lease down']);
    expect(ports.disk.has(`${state}/server.json`)).toBe(false);
    expect(outcome.data).toEqual({ stopped: true, pid: 7 });
    expect(viewed(outcome)).toContain(state);
    expect(viewed(await down(ports, {}))).toBe('Nothing was running.');
  });

  it('leaves the process alone that has a dead server’s pid', async () => {
    const ports = fakePorts(dead);
    expect((await down(ports, {})).data).toMatchObject({ stopped: false });
    expect(ports.stopped).toEqual([]);
  });

  it('only tells on a dry run', async () => {
    const ports = fakePorts(running);
    expect(viewed(await down(ports, { dryRun: true }))).toBe('Would stop the server (pid 7).');
    expect([ports.stopped, ports.leased]).toEqual([[], []]);
  });
});

describe('health', () => {
  it('is 0 with every part of a stack that is well', async () => {
    const outcome = await health(fakePorts(running), {});
    expect(outcome).toMatchObject({
      exitCode: 0,
      data: { status: 'ok', environment: 'embedded', build: null },
    });
    expect(viewed(outcome)).toContain('postgres | ok | 1.3 ms');
  });

  it.each([
    ['nothing was started', {}, /The stack is not running/],
    ['the server is gone', dead, /pid 7\) is gone/],
    ['the server does not answer', { ...running, http: {} }, /does not answer/],
    [
      'something else answers',
      { ...running, http: { '/health/ready': { status: 200, body: {} } } },
      /not a portiere search API/,
    ],
    [
      'something else answers with text',
      { ...running, http: { '/health/ready': { status: 404, body: 'not here' } } },
      /not a portiere search API/,
    ],
  ])('is 8 and names the cause where %s', async (_case, world, cause) => {
    const outcome = await health(fakePorts(world), {});
    expect(outcome.exitCode).toBe(8);
    expect(viewed(outcome)).toMatch(cause);
    expect(viewed(outcome)).toContain('hint: portiere');
  });
});

describe('status', () => {
  it('sets what is desired beside what is live', async () => {
    const outcome = await status(fakePorts(running), { detailedExitcode: true });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.data).toMatchObject({
      running: true,
      in_sync: false,
      pid: 7,
      published: null,
      health: 'ok',
    });
    expect(viewed(outcome)).toContain('settings | as configured | changed since it was started');
  });

  it('is 0 without --detailed-exitcode, also where nothing runs', async () => {
    const outcome = await status(fakePorts(), {});
    expect(outcome).toMatchObject({ exitCode: 0, data: { running: false, pid: null, url: null } });
    expect(viewed(outcome)).toContain('portiere up brings them together.');
  });
});

describe('logs', () => {
  it('prints the last lines', async () => {
    const ports = fakePorts(running);
    await logs(ports, { tail: 2 });
    expect(ports.shown.lines).toEqual(['two', 'three']);
  });

  it('gives them as data with --json', async () => {
    const ports = fakePorts(running);
    expect((await logs(ports, { json: true })).data).toMatchObject({ lines: ['one', 'two', 'three'] });
    expect(ports.shown.lines).toEqual([]);
  });

  it('says that there is none yet', async () => {
    await expect(logs(fakePorts(), {})).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      hint: expect.stringContaining('portiere up'),
    });
  });
});

describe('search', () => {
  const hit = {
    concept_id: 2,
    concept_name: 'Myocardial infarction',
    vocabulary_id: 'SNOMED',
    concept_code: 'C2',
    standard_concept: 'S',
    matched_text: 'Heart attack',
    match: 'synonym',
    ranks: { exact: 1, lexical: 2 },
    score: 1.5,
  };
  const answer = {
    build: 'b1',
    took_ms: 3,
    embedding: { provider: 'hashing', model: 'hashing-ngram' },
    hits: [hit],
  };
  const asking = (path: string, status: number, body: unknown) =>
    fakePorts({ ...running, http: { [path]: { status, body } } });

  it('asks with every filter and shows why a concept was found', async () => {
    const path =
      '/v1/search?q=heart+attack&limit=3&valid=true&vocabulary_id=A&vocabulary_id=B&exclude_vocabulary_id=C' +
      '&domain_id=D&concept_class_id=E&standard_concept=S';
    const outcome = await search(asking(path, 200, answer), {
      text: 'heart attack',
      limit: '3',
      valid: true,
      vocabularyId: ['A', 'B'],
      excludeVocabularyId: ['C'],
      domainId: ['D'],
      conceptClassId: ['E'],
      standardConcept: ['S'],
    });
    expect(outcome.data).toEqual(answer);
    expect(viewed(outcome)).toContain(
      '2 | SNOMED | C2 | Myocardial infarction | S | 1.500 | synonym "Heart attack" (exact #1, lexical #2)',
    );
  });

  it('says when nothing was found', async () => {
    const outcome = await search(asking('/v1/search?q=x', 200, { ...answer, hits: [] }), { text: 'x' });
    expect(viewed(outcome)).toBe('Nothing found for "x" (build b1).');
  });

  it.each([
    [400, { detail: 'limit must be <= 150' }, 'USAGE', /limit must be/],
    [429, { detail: 'Too many requests' }, 'SERVER_UNREACHABLE', /Too many requests/],
    [502, 'a proxy’s page', 'SERVER_UNREACHABLE', /status 502/],
  ])('turns an answer of %d into words', async (code, body, error, message) => {
    await expect(search(asking('/v1/search?q=x', code, body), { text: 'x' })).rejects.toMatchObject({
      code: error,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['is not running', {}],
    ['is gone', dead],
  ])('says that the server %s', async (what, world) => {
    await expect(search(fakePorts(world), { text: 'x' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining(what),
      hint: 'Start it with: portiere up',
    });
  });
});
