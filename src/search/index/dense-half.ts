import { rm } from 'node:fs/promises';
import path from 'node:path';

import { cacheFolder, openCache } from '../embed/cache.ts';
import type { Embedder } from '../embed/embedder.ts';
import { guardKept } from './canaries.ts';
import { planWish } from './dense-plan.ts';
import type { Draft } from './draft.ts';
import { fileNames, type Manifest } from './manifest.ts';
import { embeddingsFolder } from './publish.ts';
import type { BuildRequest } from './request.ts';
import { requireSameTexts, type Reuse, takeOver } from './reuse.ts';
import { buildDenseIndex, describeDense, textQuestions } from './stages/dense.ts';
import { embedMissing, forgetMissing, listMissing, type MissingFigures } from './stages/missing.ts';
import { writeVectors } from './stages/vectors.ts';

/** The dense index of a build, made or taken over. */
interface DenseHalf {
  readonly dense: Manifest['dense'];
  /** Rows whose text had nothing to embed. */
  readonly zeros: number;
}

/** Embeds what is not kept from before, lays the vectors down in row order, and builds the planned index over them. */
export async function makeDense(
  request: BuildRequest,
  { draft, terms }: { readonly draft: Draft; readonly terms: number },
): Promise<DenseHalf> {
  const { embedder, dense, threads, progress, onStage } = request;
  const { folder } = draft;
  const { dimension } = embedder.identity;
  const plan = planWish(dense, { count: terms, dimension });
  const file = plan.type === 'Flat' ? fileNames.dense : fileNames.vectors;
  const { zeros } = await embedAll(request, { draft, file, terms });
  onStage?.('dense');
  const questions = async (): Promise<Float32Array> => await embedder.embed(textQuestions(folder, terms));
  const figures = await draft.once(
    'dense',
    async () => await buildDenseIndex({ folder, plan, quality: dense.quality, threads, questions, progress }),
  );
  // An inverted file of whole vectors has all that the flat one has.
  if (plan.type === 'IVFFlat') await rm(path.join(folder, fileNames.vectors), { force: true });
  return { zeros, dense: describeDense({ plan, wish: dense, dimension, count: terms }, figures) };
}

/** Links the dense index of a build with the same texts, row by row, and the same model. */
export async function takeOverDense(
  reuse: Reuse,
  { draft, embedder, texts }: { readonly draft: Draft; readonly embedder: Embedder; readonly texts: string },
): Promise<DenseHalf> {
  const { manifest } = reuse;
  await draft.once('dense', async () => {
    requireSameTexts(reuse, { texts, embedding: embedder.identity });
    await takeOver(reuse, draft.folder, [fileNames.dense, fileNames.vectors]);
    return {};
  });
  return { dense: manifest.dense, zeros: manifest.counts.zero_vectors };
}

interface Laying {
  readonly draft: Draft;
  /** Name of the file of vectors. */
  readonly file: string;
  readonly terms: number;
}

async function embedAll(
  { embedder, pointer, progress, onStage }: BuildRequest,
  { draft, file, terms }: Laying,
): Promise<{ zeros: number }> {
  const { identity } = embedder;
  const request = { draft, embedder, terms, progress, file };
  if (identity.provider === 'hashing') {
    onStage?.('vectors');
    return await draft.once('vectors', async () => await writeVectors({ ...request, cache: undefined }));
  }
  const caches = embeddingsFolder(pointer);
  await guardKept(cacheFolder(caches, identity), embedder);
  const cache = await openCache(caches, identity);
  try {
    const { folder } = draft;
    onStage?.('embedding');
    const list = async (): Promise<MissingFigures> =>
      await draft.once('missing', async () => await listMissing(folder, cache, progress));
    let figures = await list();
    if (cache.count < figures.kept) {
      // Somebody removed vectors that the list counts on.
      await draft.forget('missing');
      figures = await list();
    }
    const vectors = await draft.once('vectors', async () => {
      await embedMissing({ folder, figures, cache, embedder, progress });
      onStage?.('vectors');
      return await writeVectors({ ...request, cache });
    });
    await forgetMissing(folder);
    return vectors;
  } finally {
    await cache.close();
  }
}
