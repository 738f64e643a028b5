import { execFileSync } from 'node:child_process';

import { freePort, until } from './cli.ts';
import { images } from './stacks.ts';

/** A node of a cluster of a test's own. */
export interface ClusterNode {
  readonly name: string;
  readonly url: string;
}

/** Three real Elasticsearch nodes in containers on one network. */
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
  docker('network', 'create', prefix);
  const nodes: ClusterNode[] = [];
  for (const name of names) {
    const port = await freePort();
    const environment = {
      'node.name': name,
      'cluster.name': prefix,
      'discovery.seed_hosts': names.join(','),
      'cluster.initial_master_nodes': names.join(','),
      // The machine need not allow as many maps of memory as the server would like.
      'node.store.allow_mmap': 'false',
      'xpack.security.enabled': 'false',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      ES_JAVA_OPTS: '-Xms400m -Xmx400m -XX:TieredStopAtLevel=1',
    };
    const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    // A node of several checks what it may open before it starts.
    const limits = ['--memory', '1200m', '--ulimit', 'nofile=65536:65536'];
    const flags = ['--name', name, '--network', prefix, ...limits];
    docker('run', '--detach', ...flags, '--publish', `127.0.0.1:${port}:9200`, ...variables, image);
    nodes.push({ name, url: `http://127.0.0.1:${port}` });
  }
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
      docker('rm', '--force', '--volumes', ...names);
      docker('network', 'rm', prefix);
    },
  };
}
