import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { indexOf } from '../../search/lexical/elasticsearch-index.ts';
import { openProject, underLease } from '../context.ts';
import { withSearchEngine } from '../search-engine.ts';
import { serversOf, withVectorServer } from '../vector-server.ts';
import { chosenBuild } from './builds.ts';
import { insideStack } from '../inside.ts';
import { publishBuild } from './publish.ts';
import { thousands } from '../thousands.ts';

/** Loads the published build into the servers that search it anew, from the build's own files: nothing is read or embedded again. */
export async function populate(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const request = { argv: ['index', 'populate'], changes: true };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const servers = serversOf(project.config).join(' and ');
  if (servers === '') {
    throw new PortiereError('REFUSED', 'The embedded environment has no server to load.', {
      hint: 'Its builds have full text of their own; name another environment: --env dev',
    });
  }
  const manifest = await chosenBuild(project, undefined);
  if (options.dryRun === true) {
    const { concepts } = manifest.counts;
    return {
      data: { would_load: manifest.id, concepts },
      view: [`Would load the ${concepts} concepts of build ${manifest.id} into ${servers} anew.`],
    };
  }
  return await underLease(
    ports,
    project,
    'index populate',
    async () =>
      await withSearchEngine(ports, project, async (engine) => {
        await ports.reporter.step(`Load build ${manifest.id} into ${servers}`, async (progress) => {
          await engine?.deleteIndex(indexOf(manifest.id, engine.alias));
          await withVectorServer(ports, project, engine, async (loader) => {
            await loader?.drop(manifest.id);
          });
          await publishBuild(ports, project, { manifest, engine, progress });
        });
        const { concepts } = manifest.counts;
        return {
          data: { build: manifest.id, concepts },
          view: [
            `${servers} ${servers.includes(' and ') ? 'hold' : 'holds'} the ${thousands(concepts)} concepts of build ${manifest.id}.`,
          ],
        };
      }),
  );
}
