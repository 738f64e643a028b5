import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { appendFile, chmod, mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Answer, killStrays, newProject, runAs, type TestProject } from '../support/cli.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { litter } from '../support/folder.ts';
import { conceptHeader, conceptLine } from '../support/vocabulary.ts';
import { zipOf } from '../support/zip.ts';

const concepts = `${conceptHeader}\n${conceptLine(1)}\n${conceptLine(2)}\n`;
const asRoot = process.getuid?.() === 0;
const nobody = asRoot && has('setpriv');

let project: TestProject;
let build: string;
let given: string;
beforeAll(async () => {
  project = await newProject();
  given = join(project.folder, 'given');
  await mkdir(given);
  expect((await project.run(['init', '--yes', '--name', 'bad'])).code).toBe(0);
  build = (await project.json(['up'])).data.build;
});
afterAll(async () => {
  expect((await project.run(['down'])).code).toBe(0);
  expect(await litter(project.folder)).toEqual([]);
  await killStrays();
});

describe.each(['up', 'vocab load', 'index build'])('%s of a download that cannot be used', (command) => {
  const of = async (path: string): Promise<Answer> => {
    const words = command.split(' ');
    const answer = await project.json(
      command === 'vocab load' ? [...words, path] : [...words, '--vocabulary', path],
    );
    await expectServed();
    return answer;
  };
  const zip = async (name: string, bytes: Buffer | string): Promise<string> => {
    const path = join(given, name);
    await writeFile(path, bytes);
    return path;
  };

  it('names a path where nothing is', async () => {
    expectError(await of('/nowhere/vocabulary.zip'), {
      code: 'VOCABULARY_NOT_FOUND',
      thing: '/nowhere/vocabulary.zip',
    });
  });

  it('names a zip that was cut', async () => {
    const whole = zipOf([{ name: 'CONCEPT.csv', content: concepts.repeat(40) }]);
    const path = await zip('cut.zip', whole.subarray(0, whole.length - 60));
    expectError(await of(path), { code: 'VOCABULARY_ARCHIVE_INVALID', thing: 'cut.zip' });
  });

  it('names what is no zip', async () => {
    const path = await zip('page.zip', '<html>Please log in</html>');
    expectError(await of(path), { code: 'VOCABULARY_ARCHIVE_INVALID', thing: 'page.zip' });
  });

  it('refuses a zip that would write outside', async () => {
    const path = await zip('dots.zip', zipOf([{ name: '../CONCEPT.csv', content: concepts }]));
    expectError(await of(path), { code: 'VOCABULARY_ARCHIVE_INVALID', thing: 'CONCEPT.csv' });
  });

  it('names a table that is not there', async () => {
    const path = await zip('none.zip', zipOf([{ name: 'VOCABULARY.csv', content: 'vocabulary_id\n' }]));
    expectError(await of(path), { code: 'VOCABULARY_FILE_MISSING', thing: 'CONCEPT.csv' });
  });

  it('names a header of another kind', async () => {
    const path = await zip(
      'header.zip',
      zipOf([{ name: 'CONCEPT.csv', content: concepts.replace('concept_code', 'code') }]),
    );
    expectError(await of(path), { code: 'VOCABULARY_HEADER', thing: 'concept_code' });
  });

  it('names the lines that are too short', async () => {
    const path = await zip(
      'short.zip',
      zipOf([{ name: 'CONCEPT.csv', content: `${concepts}${'3\tshort\n'.repeat(11)}` }]),
    );
    expectError(await of(path), { code: 'VOCABULARY_ROWS', thing: 'CONCEPT.csv:4' });
  });

  it('names the lines that are not UTF-8', async () => {
    const line = `${conceptLine(3, { concept_name: 'M\xe9ni\xe8re' })}\n`;
    const content = Buffer.concat([Buffer.from(concepts), Buffer.from(line.repeat(11), 'latin1')]);
    const path = await zip('latin.zip', zipOf([{ name: 'CONCEPT.csv', content }]));
    expectError(await of(path), { code: 'VOCABULARY_ROWS', thing: 'CONCEPT.csv:4' });
  });
});

describe('what the vocabulary lacks', () => {
  it.each(['up', 'index build'])('%s suggests the vocabulary that is meant', async (command) => {
    const path = await smallVocabulary(join(given, 'small'), { 1: 'One' });
    const answer = await project.json([...command.split(' '), '--vocabulary', path, '--select', 'SNOMED_CT']);
    expectError(answer, { code: 'VOCABULARY_UNKNOWN', thing: 'SNOMED_CT' });
    expect(JSON.stringify(answer.error)).toMatch(/did you mean SNOMED\b|suggestion":"SNOMED"/i);
    await expectServed();
  });

  it.each(['up', 'index build'])('%s refuses a selection without a concept', async (command) => {
    const path = await smallVocabulary(join(given, 'listed'), { 1: 'One' });
    const header =
      'vocabulary_id\tvocabulary_name\tvocabulary_reference\tvocabulary_version\tvocabulary_concept_id';
    await writeFile(join(path, 'VOCABULARY.csv'), `${header}\nSNOMED\tS\tr\tv1\t1\nRxNorm\tR\tr\tv1\t2\n`);
    const answer = await project.json([...command.split(' '), '--vocabulary', path, '--select', 'RxNorm']);
    expectError(answer, { code: 'VOCABULARY_EMPTY', thing: 'RxNorm' });
    await expectServed();
  });
});

describe('a download with one bad row', () => {
  it('is used, with a warning that names it', async () => {
    const path = await smallVocabulary(join(given, 'almost'), { 1: 'One' });
    await appendFile(join(path, 'CONCEPT.csv'), '3\tshort\n');
    for (const command of [
      ['up', '--vocabulary', path],
      ['vocab', 'load', path],
      ['index', 'build', '--vocabulary', path],
    ]) {
      const { code, warnings } = await project.json(command);
      expect({ code, warnings }).toEqual({
        code: 0,
        warnings: [expect.stringContaining(`${path}: rows that cannot be used were left out: 1.`)],
      });
    }
  });
});

describe('what the configuration asks for', () => {
  it('names an unknown environment', async () => {
    expectError(await project.json(['up', '--env', 'embeded']), {
      code: 'ENVIRONMENT_UNKNOWN',
      thing: 'embeded',
      says: 'embedded',
    });
  });

  it('names a config of a newer version', async () => {
    const path = join(project.folder, 'newer.yaml');
    const config = await readFile(join(project.folder, 'portiere.config.yaml'), 'utf8');
    await writeFile(path, config.replace('version: 1', 'version: 2'));
    expectError(await project.json(['up', '--config', path]), { code: 'CONFIG_NEWER', thing: '2' });
  });

  it('names a config file that is not there', async () => {
    expectError(await project.json(['up', '--config', 'nowhere.yaml']), {
      code: 'CONFIG_NOT_FOUND',
      thing: 'nowhere.yaml',
    });
  });
});

describe('who may not', () => {
  const why = nobody ? '' : ' (SKIPPED: needs root and setpriv to act as another user)';
  it.skipIf(!nobody)(`names the folder that may not be read${why}`, async () => {
    const path = await smallVocabulary(join(given, 'closed'), { 1: 'One' });
    await chmod(path, 0o000);
    const other = await projectOfNobody();
    const answer = await asNobody(other, ['up', '--vocabulary', path]);
    expectError(answer, { code: 'PERMISSION_DENIED', thing: path, exit: 4 });
    await other.end();
  });

  it.skipIf(!nobody)(`names the folder that may not be written${why}`, async () => {
    const other = await projectOfNobody();
    await rm(join(other.folder, '.portiere'), { recursive: true });
    await chmod(other.folder, 0o555);
    for (const command of [
      ['init', '--yes'],
      ['up'],
      ['vocab', 'load'],
      ['migrate', 'up'],
      ['index', 'build'],
    ]) {
      expectError(await asNobody(other, command), {
        code: 'PERMISSION_DENIED',
        thing: other.folder,
        exit: 4,
      });
    }
    await other.end();
  });
});

describe('a full disk', () => {
  const mounted = asRoot && canMount();
  const why = mounted ? '' : ' (SKIPPED: needs root and the right to mount a tmpfs)';
  it.skipIf(!mounted)(`ends with exit 4 and loses nothing${why}`, async () => {
    const other = await newProject();
    const size = (megabytes: number): void => {
      execFileSync('mount', ['-o', `remount,size=${megabytes}m`, other.folder]);
    };
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', other.folder]);
    try {
      await other.run(['init', '--yes', '--name', 'full']);
      for (const megabytes of [3, 20]) {
        size(megabytes);
        expectError(await other.json(['up']), { code: 'DISK_FULL', thing: other.folder, exit: 4 });
      }
      size(100);
      const { data } = await other.json(['up']);
      const { blocks, bfree, bsize } = await statfs(other.folder);
      size(Math.ceil(((blocks - bfree) * bsize) / 2 ** 20) + 6);
      const bigger = await smallVocabulary(
        join(given, 'bigger'),
        Object.fromEntries(
          Array.from({ length: 40_000 }, (_, index) => [index + 1, `concept number ${index}`]),
        ),
      );
      for (const command of [
        ['up', '--vocabulary', bigger],
        ['vocab', 'load', bigger],
        ['index', 'build', '--vocabulary', bigger],
      ]) {
        expectError(await other.json(command), { code: 'DISK_FULL', exit: 4 });
        expect((await other.json(['search', 'asthma'])).data.build).toBe(data.build);
      }
      size(400);
      expect((await other.json(['up', '--vocabulary', bigger])).data.counts.concepts).toBe(40_000);
      expect((await other.run(['down'])).code).toBe(0);
      expect(await litter(other.folder)).toEqual([]);
    } finally {
      await other.run(['down']);
      execFileSync('umount', ['-l', other.folder]);
      await other.end();
    }
  });
});

interface Expected {
  readonly code: string;
  /** What the message has to name. */
  readonly thing?: string;
  /** What the hint or a suggestion has to say. */
  readonly says?: string;
  /** Default 3. */
  readonly exit?: number;
}

function expectError(answer: Answer, { code, thing = '', says = '', exit = 3 }: Expected): void {
  expect(answer.error).toMatchObject({ code });
  expect(answer.code).toBe(exit);
  expect(`${answer.error?.message} ${JSON.stringify(answer.error?.problems)}`).toContain(thing);
  expect(`${answer.error?.hint} ${JSON.stringify(answer.error?.problems)}`).toContain(says);
  expect(answer.error?.hint ?? '').not.toBe('');
}

/** The stack still answers, from the build it had. */
async function expectServed(): Promise<void> {
  const response = await project.get('/v1/search?q=asthma');
  expect(await response.json()).toMatchObject({ build });
}

async function projectOfNobody(): Promise<TestProject> {
  const other = await newProject();
  await other.run(['init', '--yes', '--name', 'nobody']);
  execFileSync('chown', ['-R', '65534:65534', other.folder]);
  return other;
}

async function asNobody(other: TestProject, args: readonly string[]): Promise<Answer> {
  return JSON.parse(
    (await runAs(65_534, [...args, '--json'], { cwd: other.folder, env: other.env })).stdout,
  ) as Answer;
}

function has(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
