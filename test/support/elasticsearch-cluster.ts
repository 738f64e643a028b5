import { execFileSync } from 'node:child_process';

import { freePort, until } from './cli.ts';
import { images } from './stacks.ts';

/** A node of a cluster of a test's own. */
export interface ClusterNode {
  readonly name: string;
  readonly url: string;
}

/** Three real Elasticsearch nodes, each in a container. */
export interface TestCluster {
  readonly nodes: readonly ClusterNode[];
  /** A request to whichever node answers; the answer's JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each address has its own shape, which the test states
  ask(path: string): Promise<any>;
  /** The node that holds the first copy of an index. */
  holderOf(index: string): Promise<ClusterNode>;
  /** The node that the others have chosen. */
  master(): Promise<ClusterNode>;
  /** Kills a node as a crash would. */
  kill(node: ClusterNode): void;
  /** Starts a killed node on its data, and waits until every copy of every index is there. */
  revive(node: ClusterNode): Promise<void>;
  end(): void;
}

const patience = 240_000;

export async function testCluster(): Promise<TestCluster> {
  const image = images()['elasticsearch'] ?? '';
  const prefix = `portiere-cluster-${process.pid}`;
  const docker = (...args: readonly string[]): string =>
    execFileSync('docker', [...args], { encoding: 'utf8', timeout: 120_000, stdio: 'pipe' });
  const names = [1, 2, 3].map((at) => `${prefix}-${at}`);
  const inside = [1, 2, 3].map((at) => ({ http: 9_200 + at, transport: 9_300 + at }));
  const ports = [await freePort(), await freePort(), await freePort()];
  const publish = ports.flatMap((port, at) => ['--publish', `127.0.0.1:${port}:${inside[at]?.http}`]);
  // The nodes share the network of a container that does nothing, and meet on its loopback: where they can be
  // reached from elsewhere they first check limits of the machine that a test cannot raise.
  docker('run', '--detach', '--name', prefix, ...publish, image, 'sleep', 'infinity');
  const start = (at: number): void => {
    const environment = {
      'node.name': names[at],
      'cluster.name': prefix,
      'http.host': '0.0.0.0',
      'http.port': inside[at]?.http,
      'transport.host': '127.0.0.1',
      'transport.port': inside[at]?.transport,
      'discovery.seed_hosts': inside.map(({ transport }) => `127.0.0.1:${transport}`).join(','),
      'cluster.initial_master_nodes': names.join(','),
      'xpack.security.enabled': 'false',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      ES_JAVA_OPTS: '-Xms400m -Xmx400m -XX:TieredStopAtLevel=1',
    };
    const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const flags = ['--name', names[at] ?? '', '--network', `container:${prefix}`, '--memory', '1200m'];
    docker('run', '--detach', ...flags, ...variables, image);
  };
  for (const at of names.keys()) start(at);
  const nodes = names.map((name, at): ClusterNode => ({ name, url: `http://127.0.0.1:${ports[at]}` }));
  const ask: TestCluster['ask'] = async (path) => {
    let reason: unknown;
    for (const { url } of nodes) {
      try {
        const answer = await fetch(url + path, { signal: AbortSignal.timeout(5_000) });
        if (answer.ok) return await answer.json();
        reason = new Error(`${path}: ${answer.status} ${await answer.text()}`);
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  };
  const green = async (): Promise<void> => {
    await until(
      'three nodes are one cluster, every copy there',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const health = await ask('/_cluster/health').catch(() => ({}));
        return health.number_of_nodes === 3 && health.status === 'green';
      },
      patience,
    );
  };
  await green();
  const called = (name: string): ClusterNode => nodes.find((node) => node.name === name) ?? nodes[0]!;
  return {
    nodes,
    ask,
    async holderOf(index) {
      const shards = (await ask(`/_cat/shards/${index}?format=json`)) as { prirep: string; node: string }[];
      return called(shards.find(({ prirep }) => prirep === 'p')?.node ?? '');
    },
    async master() {
      const [{ node }] = (await ask('/_cat/master?format=json')) as [{ node: string }];
      return called(node);
    },
    kill({ name }) {
      docker('kill', '--signal', 'KILL', name);
    },
    async revive({ name }) {
      docker('start', name);
      await green();
    },
    end() {
      docker('rm', '--force', '--volumes', ...names, prefix);
    },
  };
}
