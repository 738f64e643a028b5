import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { parse } from 'yaml';

import { makeCertificate } from './certificates.ts';
import { freePort, newProject, root, type TestProject } from './cli.ts';

const imagesFile = join(root, '.images.yaml');

/** Why no stack can be brought up here; empty where one can. */
export const stackMissing = whyNot();

function whyNot(): string {
  if (!existsSync(imagesFile)) return 'no .images.yaml: npm run images';
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 10_000 });
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 });
    return '';
  } catch {
    return 'no Docker engine with Compose 2 answers: see docker info';
  }
}

/** The test images by service. */
export function images(): Readonly<Record<string, string>> {
  return parse(execFileSync('cat', [imagesFile], { encoding: 'utf8' })) as Record<string, string>;
}

/** A project whose environments are stacks of containers, on ports of their own; `end` removes all of it. */
export interface StackProject extends TestProject {
  readonly ports: Readonly<Record<'http' | 'https' | 'cloud' | 'mapper', number>>;
  /** The certificate authority of prod. */
  readonly ca: string;
  /** `docker`, its standard output. */
  docker(...args: readonly string[]): string;
  /** Id of each container of an environment by name, running or not. */
  containers(environment: string): Readonly<Record<string, string>>;
}

/** An initialised project; prod comes with certificates, domains and every setting that it asks for. */
export async function newStackProject(
  environments: readonly ('dev' | 'test' | 'prod')[],
  settings: Readonly<Record<string, string>> = {},
  /** What the name of its folder begins with. */
  prefix = 'portiere-stack-',
): Promise<StackProject> {
  const http = await freePort();
  const https = await freePort();
  const [cloud, mapper] = [await freePort(), await freePort()];
  const project = await newProject(
    {
      PORTIERE_IMAGES: imagesFile,
      ...passedOn(['NODE_EXTRA_CA_CERTS', 'DOCKER_HOST', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY']),
    },
    prefix,
  );
  for (const environment of environments) {
    const done = await project.run(['init', '--yes', '--env', environment]);
    if (done.code !== 0) throw new Error(done.stderr);
  }
  const own: Record<string, string> = {
    PROXY_HTTP_PORT: String(http),
    PROXY_HTTPS_PORT: String(https),
    CLOUD_PORT: String(cloud),
    MAPPER_PORT: String(mapper),
    API_PORT: String(project.port),
    EMBEDDING_MODEL: 'hashing',
    ...settings,
  };
  const ca = join(project.folder, 'ca.pem');
  if (environments.includes('prod')) {
    makeCertificate(project.folder, ['api.example.org', 'cloud.example.org', 'mapper.example.org']);
    Object.assign(own, prodSettings, settings);
    await appendFile(join(project.folder, '.env.prod'), prodSecrets);
  }
  await writeFile(join(project.folder, '.env'), lines(own));
  const docker = (...args: readonly string[]): string =>
    execFileSync('docker', [...args], { encoding: 'utf8', timeout: 60_000, maxBuffer: 256 * 1024 ** 2 });
  const label = (environment: string): string[] => [
    '--filter',
    `label=io.portiere.project=${nameOf(project)}`,
    '--filter',
    `label=io.portiere.environment=${environment}`,
  ];
  const stack: StackProject = {
    ...project,
    ports: { http, https, cloud, mapper },
    ca,
    docker,
    containers(environment) {
      const found = docker(
        'ps',
        '--all',
        '--no-trunc',
        ...label(environment),
        '--format',
        '{{.Names}} {{.ID}}',
      );
      return Object.fromEntries(
        found
          .trim()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.split(' ') as [string, string]),
      );
    },
    async end() {
      for (const environment of environments) {
        const ids = Object.values(stack.containers(environment));
        if (ids.length > 0) docker('rm', '--force', '--volumes', ...ids);
        for (const kind of ['volume', 'network']) {
          const names = docker(kind, 'ls', '--quiet', ...label(environment)).trim();
          if (names !== '') await remove(docker, kind, names.split('\n'));
        }
      }
      await project.end();
    },
  };
  return stack;
}

/** Engine 20.10 can lose count when many containers die at once; its next start clears such a network away. */
async function remove(docker: StackProject['docker'], kind: string, names: readonly string[]): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      docker(kind, 'rm', ...names);
      return;
    } catch (error) {
      const left = docker(kind, 'ls', '--quiet').split('\n');
      if (!names.some((one) => left.includes(one))) return;
      if (!(error as Error).message.includes('has active endpoints')) throw error;
      if (attempt === 10) {
        console.warn((error as Error).message);
        return;
      }
      await pause(1_000);
    }
  }
}

/** `init` names a project after its folder. */
export function nameOf({ folder }: TestProject): string {
  return (folder.split('/').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-');
}

const prodSettings = {
  CORS_ORIGINS: 'https://cloud.example.org',
  NEXT_PUBLIC_API_URL: 'https://api.example.org',
  NEXT_PUBLIC_SUPABASE_URL: 'https://abcdefgh.supabase.co',
  NEXT_PUBLIC_SUPABASE_ANON_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.abc',
  NEXT_PUBLIC_LIFF_ID: '1657000000-AbCdEfGh',
  LINE_CHANNEL_ID: '1657000000',
  ADMIN_LINE_USER_IDS: 'U1234567890',
  CLOUD_DOMAIN: 'cloud.example.org',
  MAPPER_DOMAIN: 'mapper.example.org',
  TLS_CERT: 'tls.pem',
  TLS_KEY: 'tls.key',
};

const prodSecrets = `SUPABASE_SERVICE_ROLE_KEY=canarySupabase8f3kd92mZq
STRIPE_SECRET_KEY=sk_live_canaryStripe51H8xYz2eZ
`;

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

function lines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('');
}
