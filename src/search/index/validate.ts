import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Embedder } from '../embed/embedder.ts';
import { openLexical } from '../lexical/reader.ts';
import { fileNames, type Manifest } from './manifest.ts';
import { openVectors } from './open.ts';

const sampleSize = 64;
/** int8 results depend on what shares a batch, so a text embedded again is near its vector, not on it. */
const tolerance = { fp32: 1e-3, int8: 0.05 } as const;

/**
 * Proves a build before it may be published: counts agree in the lexical file, the dense file and the sidecar,
 * and each of a sample of terms has its concept's id and, embedded again, finds its own vector. INDEX_INVALID says what does not hold.
 */
export async function validateBuild(folder: string, manifest: Manifest, embedder: Embedder): Promise<void> {
  const ids = await readFile(path.join(folder, fileNames.ids));
  const lexical = openLexical(path.join(folder, fileNames.lexical));
  // What a server searches may be larger than this machine's memory.
  const engine = manifest.dense.wish.engine === undefined ? 'auto' : 'file';
  const dense = await openVectors(folder, manifest, { engine }).catch((error: unknown) => {
    lexical.close();
    throw error;
  });
  try {
    const counts = lexical.counts();
    expect(
      counts.concepts === manifest.counts.concepts,
      `lexical holds ${counts.concepts} concepts`,
      manifest,
    );
    expect(counts.terms === manifest.lexical.terms, `lexical holds ${counts.terms} terms`, manifest);
    expect(dense.count === manifest.dense.count, `dense holds ${dense.count} vectors`, manifest);
    expect(ids.length === manifest.dense.count * 8, `the id sidecar holds ${ids.length / 8} ids`, manifest);
    expect(
      dense.dimension === embedder.identity.dimension,
      `dense has dimension ${dense.dimension}`,
      manifest,
    );

    const rows = sampleRows(dense.count);
    const terms = rows.map((row) => lexical.term(row));
    const vectors = await embedder.embed(terms.map((term) => term?.text ?? ''));
    for (const [index, row] of rows.entries()) {
      const [id, owner] = [Number(ids.readBigInt64LE(row * 8)), terms[index]?.concept_id ?? 'none'];
      expect(
        id === owner,
        `row ${row} is a term of concept ${owner}, the sidecar says concept ${id}`,
        manifest,
      );
      const query = vectors.slice(index * dense.dimension, (index + 1) * dense.dimension);
      if (query.every((value) => value === 0)) continue;
      const [own = 0] = await dense.score(query, [row]);
      // Unit vectors have no better match than themselves; a search of the file would read all of it each time.
      const { scores } = engine === 'file' ? { scores: [1] } : await dense.search(query, 1);
      const found = Math.abs((scores[0] ?? 0) - own) < tolerance[embedder.identity.precision];
      expect(found, `row ${row} ("${terms[index]?.text ?? ''}") does not find itself`, manifest);
    }
  } finally {
    lexical.close();
    await dense.close();
  }
}

/** Rows spread evenly over the index. */
function sampleRows(count: number): number[] {
  const size = Math.min(sampleSize, count);
  return Array.from({ length: size }, (_, index) => Math.floor((index * count) / size));
}

function expect(holds: boolean, what: string, manifest: Manifest): void {
  if (holds) return;
  const { concepts } = manifest.counts;
  throw new PortiereError(
    'INDEX_INVALID',
    `The build ${manifest.id} is not sound: ${what} (built from ${concepts} concepts, ${manifest.dense.count} terms).`,
    { hint: 'It was not published. Run the same command again; if it repeats, report it with -v.' },
  );
}
