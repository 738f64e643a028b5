import { describe, expect, it } from 'vitest';

import { populate } from '../../../src/commands/index/populate.ts';
import { status } from '../../../src/commands/index/status.ts';
import { serversOf } from '../../../src/commands/vector-server.ts';
import type { Config } from '../../../src/config/config.ts';
import { PortiereError } from '../../../src/errors.ts';
import { fakePorts } from '../../support/ports.ts';
import { viewed } from '../given.ts';

const milvus = { DENSE_ENGINE: 'milvus', MILVUS_URL: 'http://milvus:19530' };

describe('the servers of an index', () => {
  it.each([
    ['embedded', 'native', []],
    ['embedded', 'milvus', ['Milvus']],
    ['dev', 'auto', ['Elasticsearch']],
    ['dev', 'elasticsearch', ['Elasticsearch']],
    ['dev', 'milvus', ['Elasticsearch', 'Milvus']],
  ])('are named: %s with %s', (base, engine, names) => {
    expect(serversOf({ base, settings: { DENSE_ENGINE: engine } } as unknown as Config)).toEqual(names);
  });

  it('are not loaded where there is none', async () => {
    await expect(populate(fakePorts(), {})).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'The embedded environment has no server to load.',
    });
  });

  it('do not keep the status from being told where their package is missing', async () => {
    const missing = new PortiereError('PACKAGE_MISSING', 'The package of Milvus cannot be loaded.');
    const vectorDatabases = { connect: async () => await Promise.reject(missing) };
    const outcome = await status(fakePorts({ env: milvus, ports: { vectorDatabases } }), {});
    expect(outcome.data).toMatchObject({
      published: null,
      vector_server: { engine: 'milvus', state: 'unreachable', reason: missing.message },
    });
    expect(viewed(outcome)).toContain(missing.message);
  });
});
