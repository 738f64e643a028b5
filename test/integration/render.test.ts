import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Secret } from '../../src/config/secret.ts';
import type { Stack } from '../../src/stack/model.ts';
import { compose, composeMissing, loneService, writeStack } from '../support/compose.ts';
import { builtStack, goldenStacks } from '../support/stack.ts';
import { engineMissing, makeTinyImage, removeImage } from '../support/tiny-image.ts';

const isFull = process.env['PORTIERE_TEST_FULL'] === '1';
const noCompose = composeMissing();
const noEngine = noCompose ?? (engineMissing === '' ? null : engineMissing);
const skipped = (why: string | null): string => (why === null ? '' : ` (skipped: ${why})`);

const folders: string[] = [];
const written = (stack: Stack): string => {
  const folder = writeStack(stack);
  folders.push(folder);
  return folder;
};
afterAll(async () => {
  await Promise.all(folders.map(async (folder) => await rm(folder, { recursive: true })));
});

/** Whatever YAML, Compose, a shell or a template could take for something of their own. */
const traps = [
  '',
  ' ',
  '  a  ',
  '$',
  '$$',
  '$A',
  '${A}',
  '${A:-b}',
  '${A:?b}',
  '$$A',
  '\\$A',
  '`id`',
  '$(id)',
  '%h',
  '{{.ID}}',
  '{{ x }}',
  'no',
  'Yes',
  'on',
  '~',
  'null',
  'NULL',
  'true',
  '0',
  '007',
  '0o7',
  '0x1f',
  '1e3',
  '1_000',
  '1:30',
  '.inf',
  '-.inf',
  '.nan',
  '2026-01-02',
  '2026-01-02T03:04:05Z',
  '<<',
  '=',
  '- a',
  '? a',
  'a: b',
  'a:',
  ': ',
  '#',
  'a #b',
  '&a',
  '*a',
  '!a',
  '!!str a',
  '|',
  '>',
  '|-',
  '---',
  '...',
  '--- a',
  '%YAML 1.1',
  '@',
  '[a]',
  '{a: b}',
  ',',
  '"',
  "'",
  '\\',
  '\\n',
  '"\\',
  '\'"',
  'a\tb',
  'a\nb',
  '\n',
  'a\r\nb',
  '\u0085',
  '\u007f',
  '\u0080',
  '\u009f',
  '\u00a0',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufffd',
  '\ufffe',
  '\uffff',
  '\u{1fffe}',
  '\u{10ffff}',
  '\ufdd0',
  '\u0001',
  '\u001b[0m',
  'e\u0301',
  '😀',
  '👨‍👩‍👧',
  '\u202etxt',
  '日本',
  'ß',
  '\ud7ff',
  '\ue000',
];

/** Every character but NUL and halves of pairs, some hundred to a text; the astral planes only in full. */
function everyCharacter(): string[] {
  const last = isFull ? 0x10ffff : 0xffff;
  const texts: string[] = [];
  for (let from = 1; from <= last; from += 400) {
    let text = '';
    for (let point = from; point < Math.min(from + 400, last + 1); point += 1) {
      if (point < 0xd800 || point > 0xdfff) text += String.fromCodePoint(point);
    }
    texts.push(text);
  }
  return texts;
}

function fuzzed(count: number): readonly string[] {
  const fixed = [...traps, ...everyCharacter()];
  const piece = fc.oneof(
    { arbitrary: fc.string({ unit: 'binary', maxLength: 24 }), weight: 3 },
    { arbitrary: fc.string({ unit: 'grapheme', maxLength: 24 }), weight: 2 },
    {
      arbitrary: fc.array(fc.constantFrom(...traps), { maxLength: 4 }).map((parts) => parts.join('')),
      weight: 3,
    },
  );
  const text = piece.filter((given) => !given.includes('\0'));
  const random = fc.sample(text, { numRuns: Math.max(0, count - fixed.length), seed: 20_260_101 });
  return [...fixed, ...random].slice(0, Math.max(count, fixed.length));
}

/** `config` writes every `$` twice again. */
const halved = (text: string): string => text.replaceAll('$$', '$');

interface ConfigOutput {
  readonly services: {
    readonly api: {
      readonly environment: Readonly<Record<string, string>>;
      readonly command: readonly string[];
      readonly build: { readonly args: Readonly<Record<string, string>> };
    };
  };
}

describe.skipIf(noCompose !== null)(`what Compose reads from a rendered file${skipped(noCompose)}`, () => {
  const count = isFull ? 100_000 : 5000;

  it(`is every one of ${count} values as it was given: variables, arguments, build arguments`, async () => {
    const values = fuzzed(count);
    const batch = 1500;
    let compared = 0;
    for (let from = 0; from < values.length; from += batch) {
      const some = values.slice(from, from + batch);
      const [environment, command, args] = [0, 1, 2].map((place) =>
        some.filter((_, at) => at % 3 === place),
      ) as [string[], string[], string[]];
      const named = (list: readonly string[]): Record<string, string> =>
        Object.fromEntries(list.map((value, at) => [`V${at}`, value]));
      const build = {
        context: { kind: 'folder', path: '/context' },
        dockerfile: null,
        caFile: null,
      } as const;
      const stack = loneService('api', {
        environment: named(environment),
        command,
        image: { reference: 'x', build: { ...build, arguments: named(args) } },
      });
      const { stdout } = await compose(written(stack), ['config', '--format', 'json']);
      const { api } = (JSON.parse(stdout) as ConfigOutput).services;
      const read = [
        ...environment.map((_, at) => api.environment[`V${at}`] ?? ''),
        ...api.command,
        ...args.map((_, at) => api.build.args[`V${at}`] ?? ''),
      ].map(halved);
      const given = [...environment, ...command, ...args];
      const wrong = given.flatMap((value, at) => (read[at] === value ? [] : [[value, read[at]]]));
      expect(wrong).toEqual([]);
      compared += given.length;
    }
    expect(compared).toBeGreaterThanOrEqual(count);
  });

  it('is not asked what cannot be written: refused by name before', () => {
    for (const value of ['\0', 'a\0b', '\ud800', 'a\udfff', '\udc00\ud800']) {
      for (const change of [{ environment: { LOG_LEVEL: value } }, { command: ['a', value] }]) {
        expect(() => writeStack(loneService('api', change))).toThrow(
          expect.objectContaining({
            code: 'CONFIG_INVALID',
            message: expect.stringMatching(/^services\.api\.(?:environment\.LOG_LEVEL|command\.1) holds/),
          }),
        );
      }
    }
  });

  it.each(Object.keys(goldenStacks))(
    'of %s is taken without a warning, and means the same after `config --no-interpolate`',
    async (environment) => {
      const folder = written(builtStack(goldenStacks[environment]).stack);
      const meaning = async (): Promise<unknown> =>
        JSON.parse((await compose(folder, ['config', '--format', 'json'])).stdout);
      const before = await meaning();
      expect((await compose(folder, ['config', '--quiet'])).stderr).toBe('');
      const { stdout } = await compose(folder, ['config', '--no-interpolate']);
      await writeFile(join(folder, 'compose.yaml'), stdout);
      expect(await meaning()).toEqual(before);
    },
  );
});

describe.skipIf(noEngine !== null)(`what a container gets${skipped(noEngine)}`, () => {
  let image: string;
  let folder: string;
  let container: string;
  const values = [...traps, ...fuzzed(5000).slice(traps.length - 200)];
  const environment = Object.fromEntries(values.map((value, at) => [`V${at}`, value]));
  const args = values.slice(0, 60);
  const password = ' p$w"d\'\\ $$ é\n';
  const docker = (...words: string[]): string =>
    execFileSync('docker', words, {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 1024 ** 3,
      stdio: 'pipe',
    });

  beforeAll(async () => {
    image = makeTinyImage('render');
    const lone = loneService('api', {
      image: { reference: image, build: null },
      // `sh` hands its arguments on to a program that stays, so that they can be read there.
      command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done', ...args],
      environment,
      workingFolder: '/',
      networks: ['back', 'front'],
      ports: [{ bind: '127.0.0.1', published: null, target: 8000 }],
      secrets: [{ secret: 'DB_PASSWORD', path: '/run/secrets/DB_PASSWORD' }],
      mounts: [
        { kind: 'memory', target: '/tmp', bytes: 1024 ** 2 },
        { kind: 'memory', target: '/bin/cache', bytes: 1024 ** 2 },
        { kind: 'volume', volume: 'index-data', target: '/data', readOnly: false },
      ],
      replicas: 2,
      security: { user: '1000:1000', readOnlyRoot: true, dropAllCapabilities: true, noNewPrivileges: true },
      resources: {
        cpus: 0.5,
        memory: 64 * 1024 ** 2,
        pids: 40,
        reserve: { cpus: 0.1, memory: 16 * 1024 ** 2 },
      },
      logs: { maximumBytes: 1024 ** 2, files: 2 },
      stopGrace: 3,
    });
    const memory = { bytes: 1024 ** 2, user: 1000 };
    const stack: Stack = {
      ...lone,
      volumes: [{ name: 'index-data', memory }],
      secrets: [{ name: 'DB_PASSWORD', content: new Secret(password) }],
    };
    folder = written(stack);
    await compose(folder, ['up', '--detach', '--no-build']);
    container = (await compose(folder, ['ps', '--quiet'])).stdout.split('\n')[0] ?? '';
  });
  afterAll(async () => {
    if (folder !== undefined) await compose(folder, ['down', '--volumes', '--timeout', '1']);
    removeImage(image);
  });

  it('is each of 200 values in its environment, and 60 as arguments', () => {
    const pid = docker(
      'exec',
      container,
      'sh',
      '-c',
      // What init started; our own shell here has no parent inside.
      'for p in /proc/[0-9]*; do grep -q "^PPid:[[:space:]]*1$" $p/status && echo ${p#/proc/}; done; true',
    ).trim();
    const list = (file: string): string[] =>
      docker('exec', container, 'cat', `/proc/${pid}/${file}`).split('\0').slice(0, -1);
    const read = new Map(
      list('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(values.filter((value, at) => read.get(`V${at}`) !== value)).toEqual([]);
    expect(list('cmdline').slice(3)).toEqual(args);
  });

  it('is a secret byte for byte, readable by its user on a read-only root, and in no list of variables', () => {
    expect(docker('exec', container, 'cat', '/run/secrets/DB_PASSWORD')).toBe(password);
    expect(docker('inspect', container)).not.toContain('p$w');
    expect(() => docker('exec', container, 'sh', '-c', 'echo x > /run/secrets/DB_PASSWORD')).toThrow();
    expect(() => docker('exec', container, 'touch', '/x')).toThrow();
  });

  it('is folders in memory and volumes that its user writes, of the size that was asked for', () => {
    docker('exec', container, 'touch', '/tmp/x', '/bin/cache/x', '/data/x');
    expect(docker('exec', container, 'stat', '-c', '%u', '/data', '/tmp')).toBe('1000\n1000\n');
    const fill = (at: string): void =>
      void docker('exec', container, 'dd', 'if=/dev/zero', `of=${at}/big`, 'bs=64k', 'count=32');
    expect(() => fill('/tmp')).toThrow(/No space left/);
    expect(() => fill('/data')).toThrow(/No space left/);
  });

  it('is every limit and every hardening, as the engine says', () => {
    const [found] = JSON.parse(docker('inspect', container)) as { HostConfig: object; Config: object }[];
    expect(found?.HostConfig).toMatchObject({
      NanoCpus: 500_000_000,
      Memory: 64 * 1024 ** 2,
      MemoryReservation: 16 * 1024 ** 2,
      PidsLimit: 40,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Init: true,
      Privileged: false,
      RestartPolicy: { Name: 'unless-stopped' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
    });
    expect(found?.Config).toMatchObject({ User: '1000:1000', StopTimeout: 3 });
  });

  it('is as many containers as asked for, each with a free port of this machine, and their labels', () => {
    const ids = docker('ps', '--quiet', '--filter', 'label=com.docker.compose.project=portiere-render-test')
      .trim()
      .split('\n');
    expect(ids.length).toBe(2);
    const ports = ids.map((id) => docker('port', id, '8000').trim());
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(new Set(ports).size).toBe(2);
    expect(
      docker('inspect', container, '--format', '{{index .Config.Labels "io.portiere.service"}}').trim(),
    ).toBe('api');
    expect(
      docker('network', 'inspect', 'portiere-render-test_back', '--format', '{{.Internal}}').trim(),
    ).toBe('true');
  });

  it('stays as it is when the same files are brought up again', async () => {
    const before = docker('inspect', container, '--format', '{{.State.StartedAt}}');
    await compose(folder, ['up', '--detach', '--no-build']);
    expect(docker('inspect', container, '--format', '{{.State.StartedAt}}')).toBe(before);
  });
});
