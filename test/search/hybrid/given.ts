import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hashingEmbedder } from '../../../src/search/embed/hashing.ts';
import { buildIndex } from '../../../src/search/index/build.ts';
import { openPublished, type OpenBuild } from '../../../src/search/index/open.ts';
import { publish } from '../../../src/search/index/publish.ts';
import { bundleSource } from '../../../src/search/vocabulary/source.ts';
import { conceptHeader, conceptLine, memoryBundle } from '../../support/vocabulary.ts';

export const embedder = hashingEmbedder({ dimension: 64 });

export interface Given {
  readonly id: number;
  /** Of CONCEPT.csv; what is not given is usual. */
  readonly fields: Readonly<Record<string, string>>;
  readonly synonyms?: readonly string[];
}

/** A real build of a few concepts, vectors by hashing. */
export async function builtFrom(concepts: readonly Given[]): Promise<OpenBuild> {
  const synonyms = concepts.flatMap(({ id, synonyms = [] }) =>
    synonyms.map((name) => `${id}\t${name}\t4180186`),
  );
  const bundle = memoryBundle({
    CONCEPT: [conceptHeader, ...concepts.map(({ id, fields }) => conceptLine(id, fields))].join('\n'),
    CONCEPT_SYNONYM: ['concept_id\tconcept_synonym_name\tlanguage_concept_id', ...synonyms].join('\n'),
  });
  const pointer = path.join(await mkdtemp(path.join(tmpdir(), 'portiere-hybrid-')), 'dense.faiss');
  const manifest = await buildIndex({
    source: await bundleSource(bundle, []),
    embedder,
    dense: { type: 'auto', quality: 'standard', memory: 2 ** 31 },
    batchTokens: 512,
    threads: 1,
    pointer,
    version: '0.0.0',
    now: new Date(0),
    progress: { update() {}, say() {} },
  });
  await publish(pointer, manifest.id);
  return await openPublished({ pointer, embedder, engine: 'native' });
}

/** Numbers in 0..1 that are the same every time. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
