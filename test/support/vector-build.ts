import { appendFile } from 'node:fs/promises';
import path from 'node:path';

import { hashingEmbedder } from '../../src/search/embed/hashing.ts';
import { buildIndex } from '../../src/search/index/build.ts';
import { type Manifest, fileNames } from '../../src/search/index/manifest.ts';
import { flatFile } from '../../src/search/index/open.ts';
import { buildsFolder, publish } from '../../src/search/index/publish.ts';
import type { VectorBuild } from '../../src/search/populate/vector-loader.ts';
import type { VectorStore } from '../../src/search/stores/vector-store.ts';
import { readFlatHeader } from '../../src/search/vectors/faiss-header.ts';
import { openBundle } from '../../src/search/vocabulary/bundle.ts';
import { bundleSource } from '../../src/search/vocabulary/source.ts';
import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';

export const embedder = hashingEmbedder({ dimension: 64 });

/** A published build of made-up concepts, whose vectors a server is to search; the same for the same seed. */
export async function vectorBuild(
  folder: string,
  given: { readonly concepts: number; readonly engine: VectorStore['engine']; readonly seed?: number },
): Promise<{ readonly manifest: Manifest; readonly pointer: string; readonly build: VectorBuild }> {
  const { concepts, engine, seed = 1 } = given;
  const vocabulary = path.join(folder, `vocabulary-${seed}`);
  await writeSyntheticVocabulary(vocabulary, concepts, seed);
  // One with nothing to embed, and some that are not valid any more.
  const odd = ['...', 'Withdrawn fever', 'Withdrawn cough'].map((name, at) =>
    [
      at + 1,
      name,
      'Condition',
      'SNOMED',
      'Disorder',
      'S',
      `W${at}`,
      '19700101',
      '20991231',
      at === 0 ? '' : 'D',
    ].join('\t'),
  );
  await appendFile(path.join(vocabulary, 'CONCEPT.csv'), `${odd.join('\n')}\n`);
  const pointer = path.join(folder, 'index', 'dense.faiss');
  const source = await bundleSource(await openBundle(vocabulary), []);
  const manifest = await buildIndex({
    source,
    embedder,
    dense: { type: 'Flat', quality: 'standard', memory: 0, engine },
    batchTokens: 512,
    threads: 1,
    pointer,
    version: '1.2.3',
    now: new Date(),
    progress: { update: () => undefined, say: () => undefined },
  });
  await source.close();
  await publish(pointer, manifest.id);
  const home = path.join(buildsFolder(pointer), manifest.id);
  const build = {
    id: manifest.id,
    header: await readFlatHeader(flatFile(home, manifest)),
    lexical: path.join(home, fileNames.lexical),
    vectors: manifest.dense.count - manifest.counts.zero_vectors,
  };
  return { manifest, pointer, build };
}
