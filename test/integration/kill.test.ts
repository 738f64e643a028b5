import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  download,
  hasDownload,
  killStrays,
  newProject,
  processesOf,
  sample,
  type TestProject,
  until,
} from '../support/cli.ts';
import { lookIntoDatabase } from '../support/database.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { litter } from '../support/folder.ts';
import { randomFrom } from '../support/random.ts';

const rounds = Number(process.env['PORTIERE_TEST_ROUNDS'] ?? 4);
const seed = Number(process.env['PORTIERE_TEST_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const title = `(${rounds} rounds, PORTIERE_TEST_SEED=${seed})`;

let project: TestProject;
beforeAll(async () => {
  project = await newProject();
  expect((await project.run(['init', '--yes', '--name', 'kills'])).code).toBe(0);
});
afterAll(async () => {
  await killStrays();
});

describe(`kill -9 of the first up ${title}`, () => {
  it('needs nothing but another up', async () => {
    const usual = { ...(await project.run(['up'])) };
    await project.run(['down']);
    for (let round = 0; round < Math.ceil(rounds / 2); round++) {
      const fresh = await newProject();
      await fresh.run(['init', '--yes', '--name', 'fresh']);
      await killAt(fresh, ['up'], usual, round);
      expect((await fresh.json(['up'])).code).toBe(0);
      expect((await fresh.json(['search', 'heart attack'])).data.hits.length).toBeGreaterThan(0);
      expect((await fresh.run(['down'])).code).toBe(0);
      expect(await processesOf(fresh.folder)).toEqual([]);
      expect(await litter(fresh.folder)).toEqual([]);
      await fresh.end();
    }
  });

  it('needs nothing even where it hits the last file of a new database', async () => {
    const fresh = await newProject();
    await fresh.run(['init', '--yes', '--name', 'fresh']);
    const { child, done } = fresh.start(['migrate', 'up']);
    await until('the database is nearly created', () => existsSync(join(fresh.state, 'postgres/PG_VERSION')));
    child.kill('SIGKILL');
    await done;
    expect((await fresh.json(['migrate', 'up'])).code).toBe(0);
    expect(await litter(fresh.folder)).toEqual([]);
    await fresh.end();
  });
});

describe.each([
  { name: 'a vocabulary of 20,000', pathOf: manyConcepts, there: true, times: rounds },
  {
    name: hasDownload ? 'the real download' : 'the real download (SKIPPED: ../shared/data is absent)',
    pathOf: () => download,
    there: hasDownload,
    times: Math.ceil(rounds / 2),
  },
])(`kill -9 with $name ${title}`, ({ pathOf, there, times }) => {
  let path: string;
  beforeAll(async () => {
    if (!there) return;
    path = await pathOf();
    expect((await project.run(['up', '--vocabulary', sample])).code).toBe(0);
  });
  afterAll(async () => {
    await project.run(['down']);
  });

  it.skipIf(!there)('of vocab load changes nothing that is loaded or served', async () => {
    const loaded = await lookIntoDatabase(project);
    const served = await answers();
    const usual = { ...(await project.run(['vocab', 'load', path])) };
    const after = await lookIntoDatabase(project);
    let midway = 0;
    for (let round = 0; goesOn(round, { times, midway }); round++) {
      expect((await project.run(['vocab', 'load', sample])).code).toBe(0);
      expect(await lookIntoDatabase(project)).toEqual(loaded);
      midway += Number(await killAt(project, ['vocab', 'load', path], usual, round));
      const { rows } = await lookIntoDatabase(project);
      expect([loaded.rows, after.rows]).toContainEqual(rows);
      expect(await answers()).toEqual(served);
    }
    expect((await project.run(['vocab', 'load', sample])).code).toBe(0);
    expect(await lookIntoDatabase(project)).toEqual(loaded);
    expect(await litter(project.folder)).toEqual(['.portiere/embedded/postgres.lease']);
    expect(midway).toBeGreaterThan(0);
  });

  it.skipIf(!there)('of index build changes nothing that is served', async () => {
    const build = ['index', 'build', '--vocabulary', path];
    const usual = { ...(await project.run(build)) };
    let midway = 0;
    for (let round = 0; goesOn(round, { times, midway }); round++) {
      expect((await project.run(['index', 'build', '--vocabulary', sample])).code).toBe(0);
      const before = await answers();
      midway += Number(await killAt(project, build, usual, round));
      const now = await published();
      if (now === before[0]?.build) expect(await answers()).toEqual(before);
      else
        await until('what was published is served', async () =>
          (await answers()).every(({ build: id }) => id === now),
        );
    }
    expect((await project.run(['index', 'build', '--vocabulary', sample])).code).toBe(0);
    expect(await litter(project.folder)).toEqual(['.portiere/embedded/postgres.lease']);
    expect(midway).toBeGreaterThan(0);
  });

  it.skipIf(!there)('of vocab load without a server leaves nothing to clean', async () => {
    await project.run(['down']);
    const usual = { ...(await project.run(['vocab', 'load', path])) };
    for (let round = 0; round < Math.ceil(times / 2); round++) {
      await killAt(project, ['vocab', 'load', path], usual, round);
      const next = await project.json(['vocab', 'load', path]);
      expect(next.error).toBeUndefined();
      expect(await litter(project.folder)).toEqual([]);
    }
    expect((await project.run(['vocab', 'load', sample])).code).toBe(0);
  });
});

/** Few rounds may all miss, so there are more of them until one has hit the middle of a step. */
function goesOn(
  round: number,
  { times, midway }: { readonly times: number; readonly midway: number },
): boolean {
  return round < times || (midway === 0 && round < times * 5);
}

/**
 * Runs a command and kills it at a random moment of its usual length, in every second round of what is left when its
 * first step begins; true where it was in the middle of a step. Where it ends before, that is its usual length.
 */
async function killAt(
  where: TestProject,
  args: readonly string[],
  usual: { milliseconds: number },
  round: number,
): Promise<boolean> {
  const { child, done, stderr } = where.start([...args, '--json']);
  const start = performance.now();
  let ended = false;
  void done.then(() => (ended = true));
  if (round % 2 === 1) await until('a step begins', () => ended || stderr().includes('"event":"start"'));
  // Starting Node takes the first part and is of no interest.
  const passed = round % 2 === 1 ? performance.now() - start : 100;
  const wait = random() * Math.max(50, usual.milliseconds - passed - 50);
  await Promise.race([
    done,
    new Promise((resolve) => setTimeout(resolve, round % 2 === 1 ? wait : 100 + wait)),
  ]);
  child.kill('SIGKILL');
  const { signal, code, milliseconds } = await done;
  if (signal === null) {
    expect(code).toBe(0);
    usual.milliseconds = milliseconds;
  }
  const last = stderr().trim().split('\n').at(-1) ?? '';
  return signal === 'SIGKILL' && /"event":"(?:start|progress)"/.test(last);
}

async function answers(): Promise<{ readonly build: string }[]> {
  const texts = ['heart attack', 'CL-E11', 'miocardial infraction', 'kidney'];
  return await Promise.all(
    texts.map(async (text) => {
      const response = await project.get(`/v1/search?q=${encodeURIComponent(text)}`);
      return { ...((await response.json()) as { build: string }), took_ms: 0 };
    }),
  );
}

async function published(): Promise<string> {
  return (await project.json(['index', 'status'])).data.published;
}

async function manyConcepts(): Promise<string> {
  const names = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [index + 1, `concept number ${index}`]),
  );
  return await smallVocabulary(join(project.folder, 'many'), names);
}
