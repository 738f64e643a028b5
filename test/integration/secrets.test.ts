import { randomBytes } from 'node:crypto';
import { appendFile, chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { killStrays, newProject, type Run, type TestProject } from '../support/cli.ts';
import { allCommands, endless, neededArguments } from '../support/commands.ts';

const canary = (odd = ''): string => `Zq${randomBytes(18).toString('hex')}${odd}`;
/** Where each secret is planted; half of them hold characters that other notations escape. */
const planted = {
  dotenv: canary(),
  dotenvOverridden: canary(),
  dotenvEnv: canary(),
  dotenvEnvOverridden: canary(`'"\\/+=`.slice(1)),
  dotenvEnvFile: canary('"\\/+=&%'),
  process: canary('"\\/+=&%'),
  processOverriding: canary('"\\/+=&%'),
  processUrl: canary(),
  processFile: canary('"\\/+=&%'),
  configFile: canary('"\\/+=&%'),
  refusedInConfig: canary(),
  strangers: canary('"\\/+=&%'),
} as const;

let project: TestProject;
beforeAll(async () => {
  project = await newProject({
    API_KEY_SALT: planted.processOverriding,
    STRIPE_SECRET_KEY: planted.process,
    CELERY_BROKER_URL: `redis://:${planted.processUrl}@localhost:6379/0`,
    SUPABASE_SERVICE_ROLE_KEY_FILE: 'supabase.secret',
    AWS_SECRET_ACCESS_KEY: planted.strangers,
  });
  const write = async (name: string, text: string): Promise<void> => {
    await writeFile(join(project.folder, name), text, { mode: 0o600 });
  };
  await write('supabase.secret', `${planted.processFile}\n`);
  await write('database.secret', `${planted.dotenvEnvFile}\n`);
  await write('elastic.secret', `${planted.configFile}\n`);
  await write('.env', `JWT_SECRET=${planted.dotenvOverridden}\nREDIS_PASSWORD=${planted.dotenv}\n`);
  await write(
    '.env.embedded',
    `JWT_SECRET=${planted.dotenvEnv}\nAPI_KEY_SALT='${planted.dotenvEnvOverridden}'\nDB_PASSWORD_FILE=database.secret\n`,
  );
  expect((await project.run(['init', '--yes', '--name', 'secrets'])).code).toBe(0);
  await appendFile(
    join(project.folder, 'portiere.config.yaml'),
    'settings:\n  ELASTIC_PASSWORD_FILE: elastic.secret\n',
  );
  await writeFile(join(project.folder, 'queries.tsv'), 'heart attack\t1\n');
});
afterAll(async () => {
  await project.run(['down']);
  await killStrays();
});

it('reads every one that is planted for it', async () => {
  const { data } = await project.json(['config', 'show']);
  const shown = Object.fromEntries(
    data.settings.map((row: { name: string; value: string }) => [row.name, row.value]),
  );
  for (const name of [
    'JWT_SECRET',
    'API_KEY_SALT',
    'DB_PASSWORD',
    'REDIS_PASSWORD',
    'ELASTIC_PASSWORD',
    'STRIPE_SECRET_KEY',
  ]) {
    expect([name, shown[name]]).toEqual([name, '[redacted]']);
  }
  for (const name of ['CELERY_BROKER_URL', 'SUPABASE_SERVICE_ROLE_KEY'])
    expect([name, shown[name]]).toEqual([name, '[redacted]']);
});

describe.each([{ flags: ['-vv'] }, { flags: ['--json'] }])(
  'no secret shows in what is printed with $flags',
  ({ flags }) => {
    it('by any command', async () => {
      for (const words of await allCommands(project.folder)) {
        const { stdout, stderr } = await run([...words], flags);
        expect({ words, found: leaksIn(`${stdout}\n${stderr}`) }).toEqual({ words, found: [] });
      }
    });

    it('by config explain of every setting', async () => {
      for (const key of [
        'JWT_SECRET',
        'API_KEY_SALT',
        'DB_PASSWORD',
        'CELERY_BROKER_URL',
        'ELASTIC_PASSWORD',
        'SUPABASE_SERVICE_ROLE_KEY',
      ]) {
        const { code, stdout, stderr } = await project.run(['config', 'explain', key, ...flags]);
        expect({ key, code, found: leaksIn(`${stdout}\n${stderr}`) }).toEqual({ key, code: 0, found: [] });
      }
    });

    it('by an error about the configuration', async () => {
      const config = join(project.folder, 'wrong.yaml');
      await writeFile(
        config,
        `version: 1\nname: wrong\nsettings:\n  REDIS_PASSWORD: ${planted.refusedInConfig}\n  JWT_SECRETT: ${planted.refusedInConfig}\n`,
      );
      for (const args of [
        ['config', 'validate', '--config', config],
        ['config', 'validate', '--env', 'prod'],
        ['up', '--config', config],
      ]) {
        const { code, stdout, stderr } = await project.run([...args, ...flags]);
        expect({ args, code, found: leaksIn(`${stdout}\n${stderr}`) }).toEqual({ args, code: 3, found: [] });
      }
    });

    it('by an error about a secret in .env', async () => {
      const path = join(project.folder, '.env.embedded');
      const good = await readFile(path, 'utf8');
      for (const bad of [
        `JWT_SECRET="${planted.dotenvEnv}`,
        `JWT_SECRET=${planted.dotenvEnv}" x`,
        planted.dotenvEnv,
      ]) {
        await writeFile(path, `${bad}\n`);
        const { code, stdout, stderr } = await project.run(['config', 'validate', ...flags]);
        expect({ bad, code, found: leaksIn(`${stdout}\n${stderr}`) }).toEqual({ bad, code: 3, found: [] });
      }
      await writeFile(path, good);
      await chmod(path, 0o600);
    });
  },
);

describe('no secret lies about', () => {
  it('in the log, the state or a command line', async () => {
    expect((await project.run(['up'])).code).toBe(0);
    await project.get(`/v1/search?q=asthma`);
    const pid = await project.serverPid();
    expect(leaksIn(await readFile(`/proc/${pid}/cmdline`, 'utf8'))).toEqual([]);
    for (const name of await readdir('/proc')) {
      const line = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '') : '';
      expect(leaksIn(line)).toEqual([]);
    }
    const state = join(project.folder, '.portiere');
    const files = await readdir(state, { recursive: true });
    expect(files).toContain('embedded/server.log');
    for (const name of files) {
      const path = join(state, name);
      if (!(await stat(path)).isFile()) continue;
      expect({ name, found: leaksIn(await readFile(path, 'latin1')) }).toEqual({ name, found: [] });
    }
  });
});

/** The planted secrets that a text holds, in any notation. */
function leaksIn(text: string): string[] {
  return Object.entries(planted).flatMap(([where, value]) =>
    formsOf(value).flatMap((form) => (text.includes(form) ? [`${where}: ${form}`] : [])),
  );
}

function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '');
  return [value, base64, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
}

async function run(words: readonly string[], flags: readonly string[]): Promise<Run> {
  const name = words.join(' ');
  const started = project.start([...words, ...(neededArguments[name] ?? []), ...flags], { timeout: 30_000 });
  if (!endless.has(name)) return await started.done;
  const timer = setTimeout(() => started.child.kill('SIGTERM'), 1_200);
  const done = await started.done;
  clearTimeout(timer);
  return done;
}
