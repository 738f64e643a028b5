import { PortiereError } from '../../errors.ts';
import type { Ports } from '../../ports.ts';
import type { Cache } from '../../ports/cache.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { withSearchEngine } from '../search-engine.ts';

const patience = 5_000;
const lookEvery = 100;

/** Connects to what somebody else runs, so that a wrong address or password is known before anything is touched. */
export async function requireExternal(ports: Ports, project: Project, stack: Stack): Promise<void> {
  for (const { service, host, port } of stack.external) {
    await ports.reporter.step(`Check the external ${service} at ${host}:${port}`, async () => {
      if (service === 'postgres') {
        const database = await ports.databases.connect(project.database, {
          command: 'up',
          timeout: patience,
        });
        await database.close();
      }
      if (service === 'elasticsearch') {
        await withSearchEngine(ports, project, async (engine) => {
          await engine?.info();
        });
      }
      if (service === 'redis') await requireRedis(ports, project, { host, port });
    });
  }
}

async function requireRedis(
  ports: Ports,
  { config }: Project,
  address: { readonly host: string; readonly port: number },
): Promise<void> {
  const password = config.settings.REDIS_PASSWORD?.reveal();
  const cache = await ports.caches.connect({ ...address, ...(password === undefined ? {} : { password }) });
  try {
    await answering(ports, cache);
  } catch (error) {
    throw new PortiereError(
      'DATABASE_UNREACHABLE',
      `${cache.description} does not answer: ${(error as Error).message}`,
      {
        hint: 'Check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD with: portiere config show',
      },
    );
  } finally {
    await cache.close();
  }
}

/** A client that has just been opened is still connecting. */
async function answering(ports: Ports, cache: Cache): Promise<void> {
  const end = ports.clock.elapsed() + patience;
  for (;;) {
    try {
      await cache.ping();
      return;
    } catch (error) {
      if (ports.clock.elapsed() > end || /AUTH|WRONGPASS|invalid password/i.test(String(error))) throw error;
      await ports.clock.sleep(lookEvery);
    }
  }
}
