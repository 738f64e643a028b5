import type { Ports } from '../../ports.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';

const patience = 5_000;

/** Connects to what somebody else runs, so that a wrong address or password is known before anything is touched. */
export async function requireExternal(ports: Ports, project: Project, stack: Stack): Promise<void> {
  const { settings } = project.config;
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
        const password = settings.ELASTIC_PASSWORD?.reveal();
        const engine = await ports.searchEngines.connect({
          url: settings.ELASTICSEARCH_URL,
          timeout: patience,
          ...(settings['xpack.security.enabled'] && password !== undefined
            ? { username: 'elastic', password }
            : {}),
        });
        await engine.info();
        await engine.close();
      }
      if (service === 'redis') {
        const password = settings.REDIS_PASSWORD?.reveal();
        const cache = await ports.caches.connect({
          host,
          port,
          ...(password === undefined ? {} : { password }),
        });
        await cache.ping();
        await cache.close();
      }
    });
  }
}
