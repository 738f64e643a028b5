import path from 'node:path';

import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import { checkFiles } from '../../search/index/check-files.ts';
import { fileNames, type Manifest } from '../../search/index/manifest.ts';
import { refuseOtherModel } from '../../search/index/open.ts';
import { validateBuild } from '../../search/index/validate.ts';
import { indexOf } from '../../search/lexical/elasticsearch-index.ts';
import { contentDigest, expectedDigest } from '../../search/populate/elasticsearch-digest.ts';
import { notHeld } from '../../search/populate/not-held.ts';
import { openProject, type Project } from '../context.ts';
import { embedderOf } from '../embedder.ts';
import { vectorBuildOf, withServers } from '../vector-server.ts';
import { chosenBuild, folderOf } from './builds.ts';
import { insideStack } from '../inside.ts';
import { thousands } from '../thousands.ts';

export interface VerifyOptions extends GlobalOptions {
  readonly build?: string;
}

/** Reads a build whole: its files against their checksums, its counts, its vectors, and what Elasticsearch holds of it. */
export async function verify(ports: Ports, options: VerifyOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const named = options.build === undefined ? [] : [options.build];
  const request = { argv: ['index', 'verify', ...named], changes: false };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const manifest = await chosenBuild(project, options.build);
  const bytes = await ports.reporter.step(`Verify build ${manifest.id}`, async () => {
    const read = await checkFiles(folderOf(project, manifest), manifest);
    const embedder = await embedderOf(ports, project);
    try {
      refuseOtherModel(manifest, embedder.identity);
      await validateBuild(folderOf(project, manifest), manifest, embedder);
    } finally {
      await embedder.close();
    }
    await verifyEngine(ports, project, manifest);
    return read;
  });
  const { id, counts } = manifest;
  return {
    data: { build: id, bytes, concepts: counts.concepts },
    view: [`Build ${id} is what its manifest says: ${thousands(bytes)} bytes read.`],
  };
}

/** What the servers hold of the build, by id and content, against the build's own files. */
async function verifyEngine(ports: Ports, project: Project, manifest: Manifest): Promise<void> {
  await withServers(ports, project, async (engine, loader) => {
    if (engine !== undefined) await verifyWords(engine, project, manifest);
    await loader?.verify(await vectorBuildOf(project, manifest));
  });
}

async function verifyWords(engine: SearchEngine, project: Project, manifest: Manifest): Promise<void> {
  const index = indexOf(manifest.id, engine.alias);
  const count = await engine.count(index);
  const due = manifest.counts.concepts;
  if (count !== due)
    throw notHeld(`The index ${index} in Elasticsearch holds ${count ?? 0} concepts, the build ${due}.`);
  const expected = expectedDigest(path.join(folderOf(project, manifest), fileNames.lexical));
  if ((await contentDigest(engine, index)) === expected) return;
  throw notHeld(`The index ${index} in Elasticsearch holds other documents than the build.`);
}
