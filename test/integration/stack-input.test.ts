import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Answer, freePort, killStrays, occupy, runAs } from '../support/cli.ts';
import { type EngineSocket, openEngineSocket } from '../support/engine-socket.ts';
import { images, nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';
import { engineMissing, makeTinyImage, removeImage } from '../support/tiny-image.ts';

/** What a case changes of a good project. */
interface Given {
  readonly env?: Readonly<Record<string, string>>;
  /** YAML that goes below the configuration. */
  readonly config?: string;
  readonly args?: readonly string[];
  /** Takes back what was made. */
  readonly end?: () => unknown;
}

interface Case {
  readonly exit: number;
  readonly code: string;
  /** What the message, with its problems, says. */
  readonly says: RegExp;
  readonly hint: RegExp;
  /** What a dry run ends with: the same, unless it needs to look where it may not. */
  readonly dry?: 0;
  readonly environment?: 'dev' | 'prod';
  /** Milliseconds; 15,000 without it. */
  readonly within?: number;
  readonly given: (place: Place) => Given | Promise<Given>;
}

/** Where the cases take place. */
interface Place {
  readonly project: StackProject;
  readonly folder: string;
}

const foreign = 'io.portiere.test=stack-input';
const tiny = stackMissing === '' && engineMissing === '' ? 'portiere-test/tiny:input' : '';
const arm = 'portiere-test/tiny:input-arm';

const cases: Readonly<Record<string, Case>> = {
  'an image that nobody has': {
    exit: 4,
    code: 'IMAGE_UNAVAILABLE',
    says: /redis: the image 127\.0\.0\.1:1\/nobody\/has:1 is not here and cannot be pulled: .*refused/,
    hint: /docker load|services\.redis\.image/,
    dry: 0,
    given: (place) => withImages(place, { redis: '127.0.0.1:1/nobody/has:1' }),
  },
  'a registry that does not answer, with a timeout': {
    exit: 124,
    code: 'TIMED_OUT',
    says: /docker compose pull did not end in/,
    hint: /--timeout/,
    dry: 0,
    async given(place) {
      const port = await freePort();
      const server = await occupy(port);
      const given = withImages(place, { redis: `127.0.0.1:${port}/stalls:1` });
      return { ...given, args: ['--timeout', '3'], end: () => server.close() };
    },
  },
  'a port that a process has': {
    exit: 4,
    code: 'PORT_IN_USE',
    says: /port \d+, which proxy wants, is taken by .*node.*\(pid \d+\)|taken by .*\(pid \d+\)/,
    hint: /PROXY_HTTP_PORT/,
    async given({ project }) {
      const server = await occupy(project.ports.http);
      return { end: () => server.close() };
    },
  },
  'a port that the container of another project has': {
    exit: 4,
    code: 'PORT_IN_USE',
    says: /port \d+, which proxy wants, is taken by the container portiere-stack-input-other/,
    hint: /Stop it, or choose another port/,
    given({ project }) {
      const port = `127.0.0.1:${project.ports.http}:6379`;
      const { redis = '' } = images();
      const own = ['--name', 'portiere-stack-input-other', '--label', foreign, '--publish', port];
      project.docker('run', '--detach', ...own, redis);
      return { end: () => project.docker('rm', '--force', '--volumes', 'portiere-stack-input-other') };
    },
  },
  'a container of somebody else under our name': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /foreign: the container \S+-dev-redis-1: there already, and not of/,
    hint: /Rename or remove it/,
    given({ project }) {
      const name = `${nameOf(project)}-dev-redis-1`;
      // As a Compose file by hand would make it, in a project that happens to be called like ours.
      const labels = [
        'com.docker.compose.service=redis',
        `com.docker.compose.project=${nameOf(project)}-dev`,
      ];
      return stranger(project, name, [foreign, ...labels]);
    },
  },
  'a volume of somebody else under our name': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /foreign: the volume \S+-dev_redis-data: there already, and not of/,
    hint: /--waive "foreign=why"/,
    given({ project }) {
      const name = `${nameOf(project)}-dev_redis-data`;
      project.docker('volume', 'create', name);
      return { end: () => project.docker('volume', 'rm', name) };
    },
  },
  'a second checkout of the project': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /folder: the containers of \S+, environment dev, are those of another folder: \/tmp/,
    hint: /Work there, or give this one another name/,
    given({ project }) {
      const labels = [
        `io.portiere.project=${nameOf(project)}`,
        'io.portiere.environment=dev',
        'io.portiere.service=redis',
        'com.docker.compose.project.working_dir=/tmp',
      ];
      return stranger(project, `${nameOf(project)}-dev-redis-1`, labels);
    },
  },
  'too little memory': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /memory: the memory limits add up to 9\d\d\.\d GiB, the engine has/,
    hint: /services\.<name>\.resources\.memory.*--waive/,
    given: () => ({ config: 'services: { celery-worker: { resources: { memory: 900g } } }' }),
  },
  'a heap above half the limit': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /ES_JAVA_OPTS.*a heap of 800 MiB is above half of elasticsearch's memory limit of 1024 MiB/,
    hint: /nothing was changed/,
    given: () => ({
      env: { ES_JAVA_OPTS: '-Xms800m -Xmx800m' },
      config: 'services: { elasticsearch: { resources: { memory: 1g } } }',
    }),
  },
  'two services on one port': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /port 5432 of this machine is wanted by postgres:5432 and proxy:8080/,
    hint: /nothing was changed/,
    given: () => ({ env: { PROXY_HTTP_PORT: '5432', PUBLISH_DATA_PORTS: 'true' } }),
  },
  'two settings with one port': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /PROXY_HTTP_PORT.*port 8123 is that of API_PORT/,
    hint: /./,
    given: () => ({ env: { PROXY_HTTP_PORT: '8123', API_PORT: '8123' } }),
  },
  'a host neither rendered nor external': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /DB_HOST.*db\.example\.org is neither a rendered service nor external/,
    hint: /nothing was changed/,
    given: () => ({ env: { DB_HOST: 'db.example.org' } }),
  },
  'a search address neither rendered nor external': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /ELASTICSEARCH_URL.*search\.example\.org is neither/,
    hint: /nothing was changed/,
    given: () => ({ env: { ELASTICSEARCH_URL: 'https://search.example.org' } }),
  },
  'an unknown service in an override': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /postgress/,
    hint: /./,
    given: () => ({ config: 'services: { postgress: { image: "postgres:17" } }' }),
  },
  'an unknown service as an argument': {
    exit: 64,
    code: 'SERVICE_UNKNOWN',
    says: /nginx is no service of this stack/,
    hint: /proxy/,
    given: () => ({ args: ['nginx'] }),
  },
  'a rendered file edited by hand': {
    exit: 10,
    code: 'FILE_EDITED',
    says: /compose\.yaml/,
    hint: /--force/,
    dry: 0,
    async given({ project }) {
      expect((await project.run(['render'])).code).toBe(0);
      const file = join(project.folder, '.portiere/render/dev/compose.yaml');
      appendFileSync(file, '# mine\n');
      return {
        end() {
          expect(readFileSync(file, 'utf8')).toMatch(/# mine\n$/);
          rmSync(join(project.folder, '.portiere/render'), { recursive: true });
        },
      };
    },
  },
  'a volume of another Postgres major version': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /postgres-data was written by PostgreSQL 12; .* is PostgreSQL \d+/,
    hint: /back to version 12, or dump and restore/,
    dry: 0,
    given({ project }) {
      const volume = `${nameOf(project)}-dev_postgres-data`;
      const labels = [
        'com.docker.compose.volume=postgres-data',
        `com.docker.compose.project=${nameOf(project)}-dev`,
        `io.portiere.project=${nameOf(project)}`,
        'io.portiere.environment=dev',
      ];
      project.docker('volume', 'create', ...labels.flatMap((label) => ['--label', label]), volume);
      const write = 'echo 12 > /data/PG_VERSION';
      project.docker(
        'run',
        '--rm',
        '--volume',
        `${volume}:/data`,
        images()['redis'] ?? '',
        'sh',
        '-c',
        write,
      );
      return { end: () => project.docker('volume', 'rm', volume) };
    },
  },
  'an image that keeps data where no volume is': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /persistence: redis: portiere-test\/tiny:input keeps data at \/volume, which is on no named volume \(ours: \/data\)/,
    hint: /--waive/,
    given: (place) => withImages(place, { redis: tiny }),
  },
  'an image for another processor': {
    exit: 4,
    code: 'PREFLIGHT_FAILED',
    says: /architecture: redis: portiere-test\/tiny:input-arm is for s390x, the engine runs/,
    hint: /Use an image for/,
    given: (place) => withImages(place, { redis: arm }),
  },
  'a TLS key that is not of the certificate': {
    environment: 'prod',
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /TLS_KEY is not the key of the certificate in/,
    hint: /PEM/,
    given: () => ({ env: { TLS_KEY: 'ca.key' } }),
  },
  'a certificate that has expired': {
    environment: 'prod',
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /TLS_CERT expired on 2020-01-02/,
    hint: /PEM/,
    given({ project }) {
      makeExpired(project.folder);
      return { env: { TLS_CERT: 'expired.pem', TLS_KEY: 'expired.key' } };
    },
  },
  'a certificate that is none': {
    environment: 'prod',
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /TLS_CERT names .*portiere\.config\.yaml, which holds no PEM certificate/,
    hint: /PEM/,
    given: () => ({ env: { TLS_CERT: 'portiere.config.yaml' } }),
  },
  'prod without TLS and without a waiver': {
    environment: 'prod',
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /TLS.*off needs a waiver with its reason/,
    hint: /nothing was changed/,
    given: () => ({ env: { TLS: 'off' } }),
  },
  'a waiver without a reason': {
    exit: 64,
    code: 'USAGE',
    says: /--waive "memory" names no check and its reason/,
    hint: /8 characters/,
    given: () => ({ args: ['--waive', 'memory'] }),
  },
  'a waiver in the configuration with a poor reason': {
    exit: 3,
    code: 'CONFIG_INVALID',
    says: /waive.*memory.*reason of at least 8 characters/s,
    hint: /./,
    given: () => ({ config: 'waive: { memory: ok }' }),
  },
};

describe.skipIf(stackMissing !== '' || engineMissing !== '')(
  `bad input for a stack (${stackMissing || engineMissing || 'on a real engine'})`,
  () => {
    let project: StackProject;
    let folder: string;
    let socket: EngineSocket;
    let config: string;

    beforeAll(async () => {
      makeTinyImage('input');
      folder = mkdtempSync(join(tmpdir(), 'portiere-input-'));
      makeForeignImage(folder);
      project = await newStackProject(['dev', 'prod']);
      config = readFileSync(join(project.folder, 'portiere.config.yaml'), 'utf8');
      socket = await openEngineSocket();
    });
    afterAll(async () => {
      await socket.end();
      await project.end();
      for (const image of [tiny, arm]) removeImage(image);
      rmSync(folder, { recursive: true });
      await killStrays();
    });

    /** Runs `up` against a case's configuration. */
    async function up({ environment = 'dev' }: Case, given: Given, more: readonly string[]): Promise<Answer> {
      writeFileSync(join(project.folder, 'portiere.config.yaml'), `${config}\n${given.config ?? ''}\n`);
      const env = { DOCKER_HOST: socket.url, ...given.env };
      try {
        return await project.json(['up', '--env', environment, ...(given.args ?? []), ...more], { env });
      } finally {
        writeFileSync(join(project.folder, 'portiere.config.yaml'), config);
      }
    }

    it.each(Object.entries(cases))('%s', async (_, each) => {
      const given = await each.given({ project, folder });
      try {
        const before = thingsOf(project);
        const start = performance.now();
        const answer = await up(each, given, []);
        expect(performance.now() - start).toBeLessThan(each.within ?? 15_000);
        expect({ exit: answer.code, code: answer.error?.code }).toEqual({ exit: each.exit, code: each.code });
        expect(saidBy(answer)).toMatch(each.says);
        expect(answer.error?.hint).toMatch(each.hint);
        expect(thingsOf(project)).toEqual(before);
        const { length } = socket.changing;
        expect((await up(each, given, ['--dry-run'])).code).toBe(each.dry ?? each.exit);
        expect(socket.changing.slice(length)).toEqual([]);
      } finally {
        await given.end?.();
      }
    });

    it('is waived with a reason, which the warning repeats', async () => {
      const given = { config: 'services: { celery-worker: { resources: { memory: 900g } } }' };
      const each = cases['too little memory'] as Case;
      const answer = await up(each, given, ['--dry-run', '--waive', 'memory=never all of it at once']);
      expect(answer.code).toBe(0);
      expect(answer.warnings.join('\n')).toContain('(waived: never all of it at once)');
    });

    it.each([
      [
        'stopped',
        'unix:///nowhere/docker.sock',
        /There is no engine socket at unix:\/\/\/nowhere/,
        /systemctl start docker/,
      ],
      [
        'at a closed port',
        'tcp://127.0.0.1:1',
        /No engine listens at tcp:\/\/127\.0\.0\.1:1/,
        /Check host and port/,
      ],
    ])('an engine that is %s: exit 6 within 3 s, with the fix', async (_, host, says, hint) => {
      for (const command of ['up', 'ps', 'down', 'health', 'status']) {
        const started = performance.now();
        const answer = await project.json([command], { env: { DOCKER_HOST: host } });
        expect(performance.now() - started).toBeLessThan(3_000);
        expect(answer).toMatchObject({ code: 6, error: { code: 'ENGINE_UNREACHABLE' } });
        expect(answer.error?.message).toMatch(says);
        expect(answer.error?.hint).toMatch(hint);
      }
    });

    it.skipIf(process.getuid?.() !== 0)(
      'an engine that is denied: exit 6 within 3 s, with the fix (skipped unless root)',
      async () => {
        const own = await newStackProject(['dev']);
        try {
          execFileSync('chown', ['-R', '65534:65534', own.folder]);
          await chmod(own.folder, 0o755);
          const options = { cwd: own.folder, env: { ...own.env, HOME: own.folder } };
          const { code, stdout, milliseconds } = await runAs(65_534, ['up', '--json'], options);
          const answer = JSON.parse(stdout) as Answer;
          expect(code).toBe(6);
          expect(milliseconds).toBeLessThan(3_000);
          expect(answer.error?.message).toMatch(/Not permitted to use the engine at unix:/);
          expect(answer.error?.hint).toMatch(/docker group/);
        } finally {
          await own.end();
        }
      },
    );

    it.each([
      ['missing', `echo "docker: 'compose' is not a docker command." >&2; exit 1`, /no Compose plugin/],
      ['of version 1', 'echo 1.29.2', /Compose 1\.29\.2 is too old/],
    ])('Compose that is %s: exit 4, and nothing is touched', async (_, script, says) => {
      const before = thingsOf(project);
      const programs = join(folder, 'bin');
      mkdirSync(programs, { recursive: true });
      writeFileSync(join(programs, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const answer = await project.json(['up'], { env: { PATH: `${programs}:/usr/bin:/bin` } });
      expect(answer).toMatchObject({ code: 4, error: { code: 'COMPOSE_MISSING' } });
      expect(answer.error?.message).toMatch(says);
      expect(answer.error?.hint).toMatch(/install/);
      expect(thingsOf(project)).toEqual(before);
    });

    it('no docker program at all: exit 4', async () => {
      mkdirSync(join(folder, 'empty'), { recursive: true });
      const answer = await project.json(['up'], { env: { PATH: join(folder, 'empty') } });
      expect(answer).toMatchObject({ code: 4, error: { code: 'COMPOSE_MISSING' } });
    });

    it('left nothing behind, on the engine or in the project', async () => {
      expect(thingsOf(project)).toEqual([]);
      expect(project.docker('ps', '--all', '--quiet', '--filter', `label=${foreign}`).trim()).toBe('');
      expect(await readdir(join(project.folder, '.portiere/dev')).catch(() => [])).toEqual([]);
    });
  },
);

function saidBy({ error }: Answer): string {
  return [error?.message, ...(error?.problems ?? []).map((problem) => JSON.stringify(problem))].join('\n');
}

/** A container that is never started, until the end of the case. */
function stranger(project: StackProject, name: string, labels: readonly string[]): Given {
  const marks = labels.flatMap((label) => ['--label', label]);
  const id = project.docker('create', '--name', name, ...marks, images()['redis'] ?? '').trim();
  return {
    end() {
      // Untouched: the very same one.
      expect(project.docker('inspect', '--format', '{{.Id}} {{.State.Status}}', name).trim()).toBe(
        `${id} created`,
      );
      project.docker('rm', '--volumes', name);
    },
  };
}

/** Everything on the engine that carries the project's label, started or not, with how it is. */
function thingsOf(project: StackProject): string[] {
  const label = ['--filter', `label=io.portiere.project=${nameOf(project)}`];
  return [
    project.docker('ps', '--all', '--no-trunc', ...label, '--format', '{{.ID}} {{.Names}} {{.State}}'),
    project.docker('volume', 'ls', ...label, '--format', '{{.Name}}'),
    project.docker('network', 'ls', '--no-trunc', ...label, '--format', '{{.ID}} {{.Name}}'),
  ].flatMap((text) => text.split('\n').filter((line) => line !== ''));
}

/** The test images with some in place of others. */
function withImages({ folder }: Place, others: Readonly<Record<string, string>>): Given {
  const file = join(folder, 'images.yaml');
  const lines = Object.entries({ ...images(), ...others }).map(([name, image]) => `${name}: ${image}\n`);
  writeFileSync(file, lines.join(''));
  return { env: { PORTIERE_IMAGES: file } };
}

/** An image that says it is for a processor that this machine does not have. */
function makeForeignImage(folder: string): void {
  const place = join(folder, 'image');
  mkdirSync(place);
  writeFileSync(join(place, 'file'), 'x');
  execFileSync('tar', ['-cf', 'layer.tar', 'file'], { cwd: place });
  const digest = createHash('sha256')
    .update(readFileSync(join(place, 'layer.tar')))
    .digest('hex');
  const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
  const settings = { architecture: 's390x', os: 'linux', config: { Cmd: ['x'] }, rootfs };
  writeFileSync(join(place, 'config.json'), JSON.stringify(settings));
  const manifest = [{ Config: 'config.json', RepoTags: [arm], Layers: ['layer.tar'] }];
  writeFileSync(join(place, 'manifest.json'), JSON.stringify(manifest));
  const tar = execFileSync('tar', ['-c', 'manifest.json', 'config.json', 'layer.tar'], { cwd: place });
  execFileSync('docker', ['load', '--quiet'], { input: tar, timeout: 60_000 });
}

/** `expired.pem` and `expired.key`: a certificate of one day in 2020. */
function makeExpired(folder: string): void {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', [...args], { cwd: folder, stdio: 'ignore', timeout: 30_000 });
  };
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'expired.key',
    '-out',
    'expired.csr',
    '-subj',
    '/CN=old',
  );
  writeFileSync(join(folder, 'expired.txt'), '');
  const authority = [
    'default_md=sha256',
    'database=expired.txt',
    'new_certs_dir=.',
    'policy=any',
    'rand_serial=yes',
  ];
  writeFileSync(join(folder, 'expired.cnf'), `[a]\n${authority.join('\n')}\n[any]\ncommonName=supplied\n`);
  const span = ['-startdate', '200101000000Z', '-enddate', '200102000000Z'];
  const files = ['-in', 'expired.csr', '-out', 'expired.pem', '-keyfile', 'ca.key', '-cert', 'ca.pem'];
  openssl('ca', '-batch', '-notext', '-config', 'expired.cnf', '-name', 'a', ...span, ...files);
}
