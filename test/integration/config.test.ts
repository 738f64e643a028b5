import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { killStrays, newProject, type TestProject } from '../support/cli.ts';
import { snapshot } from '../support/folder.ts';

let project: TestProject;
beforeAll(async () => {
  project = await newProject({ API_PORT: '18199' });
  expect((await project.run(['init', '--yes', '--name', 'config'])).code).toBe(0);
});
afterAll(async () => {
  await killStrays();
});

describe('a configuration with six mistakes', () => {
  const wrong = `version: 1
name: wrong
settings:
  API_PROT: 8000
  DB_PORT: 65536
  LOG_LEVEL: LOUD
  EMBEDDING_PRECISION: fp16
  READINESS_STRICT: perhaps
environments:
  staging:
    extends: prodd
`;

  it.each(['config validate', 'up', 'down', 'index build', 'vocab load', 'config show'])(
    'is told all at once by %s, and nothing is written',
    async (command) => {
      const path = join(project.folder, 'wrong.yaml');
      await writeFile(path, wrong);
      const before = await snapshot(project.folder);
      const { code, error } = await project.json([...command.split(' '), '--config', path]);
      expect(code).toBe(3);
      expect(error?.problems).toEqual([
        expect.objectContaining({ path: expect.stringContaining('API_PROT'), suggestion: 'API_PORT' }),
        expect.objectContaining({ path: expect.stringContaining('staging'), suggestion: 'prod' }),
        expect.objectContaining({ path: expect.stringContaining('DB_PORT') }),
        expect.objectContaining({ path: expect.stringContaining('LOG_LEVEL') }),
        expect.objectContaining({ path: expect.stringContaining('EMBEDDING_PRECISION') }),
        expect.objectContaining({ path: expect.stringContaining('READINESS_STRICT') }),
      ]);
      expect(await snapshot(project.folder)).toEqual(before);
    },
  );

  it('is told with the file and line of each', async () => {
    const { stderr } = await project.run(['config', 'validate', '--config', 'wrong.yaml']);
    for (const line of [4, 5, 6, 7, 8])
      expect(stderr).toMatch(new RegExp(`^  .*wrong\\.yaml:${line}\\b`, 'm'));
    expect(stderr).toContain('(did you mean API_PORT?)');
  });
});

describe('config show and explain', () => {
  it('say which layer set a value, and what that overrode', async () => {
    await writeFile(join(project.folder, '.env'), 'API_PORT=18197\n');
    const { data } = await project.json(['config', 'explain', 'api_port']);
    expect(data).toMatchObject({ name: 'API_PORT', value: '18199', secret: false, environment: 'embedded' });
    expect(data.sources.map(({ layer, value }: Record<string, string>) => [layer, value])).toEqual([
      ['default', '8000'],
      ['dotenv', '18197'],
      ['process', '18199'],
    ]);
  });

  it('redact every secret', async () => {
    const [, jwt] =
      /^JWT_SECRET=(.*)$/m.exec(await readFile(join(project.folder, '.env.embedded'), 'utf8')) ?? [];
    for (const args of [
      ['config', 'show'],
      ['config', 'explain', 'JWT_SECRET'],
      ['config', 'explain', 'JWT_SECRET', '--json'],
    ]) {
      const { stdout } = await project.run(args);
      expect(stdout).toContain('[redacted]');
      expect(stdout).not.toContain(jwt);
    }
  });

  it('suggest the setting that is meant', async () => {
    expect(await project.json(['config', 'explain', 'JWT_SECERT'])).toMatchObject({
      code: 3,
      error: { hint: 'Did you mean JWT_SECRET?' },
    });
  });
});
