import { isDeepStrictEqual } from 'node:util';

import type { UpFacts } from '../plan/rollout.ts';
import type { Database, Ports } from '../ports.ts';
import type { Embedder, EmbedderIdentity } from '../search/embed/embedder.ts';
import { sameModel } from '../search/index/open.ts';
import { publishedVocabulary } from '../search/populate/load-vocabulary.ts';
import { denseWish, publishedManifest } from './index/publish.ts';
import type { Project } from './context.ts';
import { look } from './migrate.ts';
import { fingerprint, loadServer } from './server-state.ts';
import { openSource } from './vocabulary.ts';

/**
 * Reads what is there: the database, the published build, the server, and the digest of the configured vocabulary.
 * A bad download or selection fails here, before anything is changed. Without a database, only what is on disk.
 */
export async function gatherFacts(
  ports: Ports,
  project: Project,
  { embedder, database }: { readonly embedder: Embedder; readonly database: Database | undefined },
): Promise<UpFacts> {
  const { settings } = project.config;
  const manifest = await publishedManifest(project);
  const stored =
    database === undefined ? await asRecorded(ports, project, manifest) : await inDatabase(ports, database);
  const keep = settings.VOCABULARY_PATH === '' && stored.loaded !== null;
  return {
    ...stored,
    wanted: keep ? null : await configured(ports, project),
    select: settings.VOCABULARIES,
    published:
      manifest === undefined
        ? null
        : {
            digest: manifest.source.digest,
            select: manifest.source.select,
            usable: sameModel(manifest.embedding, embedder.identity),
            asWished: isDeepStrictEqual(manifest.dense.wish, denseWish(project)),
            model: modelName(manifest.embedding),
          },
    model: modelName(embedder.identity),
    server: await serverFact(ports, project),
  };
}

function modelName({ model, precision, pooling, dimension }: EmbedderIdentity): string {
  return `${model} (${precision}, ${pooling}, ${dimension})`;
}

async function inDatabase(
  ports: Ports,
  database: Database,
): Promise<Pick<UpFacts, 'pendingMigrations' | 'loaded'>> {
  const { pending } = await look(ports, database);
  const names = pending.map(({ name }) => name);
  // Without its tables nothing can be loaded.
  if (names.some((name) => name.startsWith('0001_'))) return { pendingMigrations: names, loaded: null };
  return { pendingMigrations: names, loaded: (await publishedVocabulary(database)) ?? null };
}

/** A dry run opens no database folder (that alone would write): what the published build says stands for it. */
async function asRecorded(
  ports: Ports,
  project: Project,
  manifest: Awaited<ReturnType<typeof publishedManifest>>,
): Promise<Pick<UpFacts, 'pendingMigrations' | 'loaded'>> {
  const folder = project.database.kind === 'embedded' ? project.database.folder : '';
  const there = await ports.files.exists(folder);
  return {
    pendingMigrations: there ? [] : ['all, on a new database'],
    loaded: there && manifest !== undefined ? manifest.source : null,
  };
}

async function configured(ports: Ports, project: Project): Promise<{ label: string; digest: string }> {
  const source = await openSource(ports, project, project.config.settings.VOCABULARIES);
  const { label, digest } = source;
  await source.close();
  return { label, digest };
}

async function serverFact(ports: Ports, project: Project): Promise<UpFacts['server']> {
  const server = await loadServer(ports, project);
  if (server === undefined) return 'none';
  if (!server.alive) return 'gone';
  return server.state.fingerprint === fingerprint(project, ports.self.version) ? 'running' : 'other-settings';
}
