import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import { replaceFile, sync } from '../system/disk.ts';
import { openCache } from '../embed/cache.ts';
import type { Embedder } from '../embed/embedder.ts';
import { lexicalFormat } from '../lexical/schema.ts';
import { planDense } from '../vectors/plan.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { sendCanaries } from './canaries.ts';
import { type Draft, openDraft } from './draft.ts';
import {
  densePlanRequest,
  type DenseWish,
  fileNames,
  fingerprint,
  indexFormat,
  type Manifest,
} from './manifest.ts';
import { embeddingsFolder } from './publish.ts';
import { recipeOf } from './recipe.ts';
import { requireSameRows, type Reuse, takeOver } from './reuse.ts';
import { buildDenseIndex, textQuestions } from './stages/dense.ts';
import { type LexicalFigures, writeLexical } from './stages/lexical.ts';
import { embedMissing, forgetMissing, listMissing } from './stages/missing.ts';
import { writeVectors } from './stages/vectors.ts';
import { validateBuild } from './validate.ts';

export interface BuildRequest {
  readonly source: VocabularySource;
  readonly embedder: Embedder;
  readonly dense: DenseWish;
  /** Tokens that the model is given at once at most. */
  readonly batchTokens: number;
  /** FAISS_INDEX_PATH; the build goes into `builds/<id>/` beside it. */
  readonly pointer: string;
  readonly version: string;
  readonly now: Date;
  readonly progress: Progress;
  /** Half of an earlier build that is taken over; the source must be the one it was made of. */
  readonly reuse?: Reuse | undefined;
  /** Told the name of each step as it begins, also of one that was done before. */
  readonly onStage?: ((stage: string) => void) | undefined;
}

/**
 * Builds both indexes of a vocabulary under `builds/<id>` and validates them; nothing is published. The manifest is
 * written last. A build that was broken off is taken up where it was, if it would give the same bytes, and gives
 * the bytes that it would have given.
 */
export async function buildIndex(request: BuildRequest): Promise<Manifest> {
  const { source, embedder, pointer, dense, batchTokens, version: portiere, now } = request;
  const recipe = recipeOf({ source, embedding: embedder.identity, batchTokens, dense, portiere });
  const draft = await openDraft(pointer, { recipe, digest: source.digest, now });
  try {
    const manifest = await make(request, { draft, recipe });
    request.onStage?.('validation');
    await validateBuild(draft.folder, manifest, embedder).catch(async (error: unknown) => {
      // What is not sound must not be taken up again.
      await rm(draft.folder, { recursive: true, force: true });
      throw error;
    });
    await replaceFile(path.join(draft.folder, fileNames.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await draft.finish();
    await sync(draft.folder);
    await sync(path.dirname(draft.folder));
    return manifest;
  } catch (error) {
    if (!draft.worthKeeping()) await rm(draft.folder, { recursive: true, force: true });
    throw fromSystemError(error, draft.folder);
  }
}

async function make(
  { source, embedder, dense, pointer, version, progress, reuse, onStage }: BuildRequest,
  { draft, recipe }: { readonly draft: Draft; readonly recipe: string },
): Promise<Manifest> {
  const { folder } = draft;
  onStage?.('lexical');
  const { unusable_rows, ...counted } = await draft.once('lexical', async () => {
    if (reuse?.half === 'lexical') return await takeOverLexical(reuse, folder);
    return await writeLexical(folder, { source, progress });
  });
  const terms = counted.names + counted.synonyms;
  const { dimension } = embedder.identity;
  const plan = planDense({ ...densePlanRequest(dense), count: terms, dimension });
  const file = plan.type === 'Flat' ? fileNames.dense : fileNames.vectors;
  const parts = { draft, file, embedder, pointer, terms, progress, onStage };
  const { zeros } = reuse?.half === 'dense' ? await takeOverVectors(reuse, parts) : await embedAll(parts);
  onStage?.('dense');
  const { quality } = dense;
  const threads = embedder.width ?? 1;
  const figures = await draft.once('dense', async () => {
    if (reuse?.half !== 'dense') {
      const questions = async (): Promise<Float32Array> => await embedder.embed(textQuestions(folder, terms));
      return await buildDenseIndex({ folder, plan, quality, threads, questions, progress });
    }
    await takeOver(reuse, folder, [fileNames.dense]);
    const { nprobe, recall_at_10 } = reuse.manifest.dense;
    return { nprobe, recall_at_10 };
  });
  // An inverted file of whole vectors has all that the flat one has.
  if (plan.type === 'IVFFlat') await rm(path.join(folder, fileNames.vectors), { force: true });
  onStage?.('checksums');
  progress.say('taking checksums');
  const files: Manifest['files'] = await fingerprints(folder);
  return {
    format: indexFormat,
    id: draft.id,
    created_at: draft.begun,
    portiere: version,
    source: {
      kind: source.kind,
      label: source.label,
      digest: source.digest,
      stamp: source.stamp,
      version: source.version,
      select: source.select,
      unusable_rows,
    },
    recipe,
    embedding: embedder.identity,
    canaries: await sendCanaries(embedder),
    dense:
      reuse?.half === 'dense'
        ? reuse.manifest.dense
        : {
            type: plan.type,
            metric: 'inner_product',
            dimension,
            count: terms,
            nlist: plan.nlist,
            rerank: plan.rerank,
            reason: plan.reason,
            ...figures,
          },
    lexical: { engine: 'sqlite-fts5', format: lexicalFormat, terms },
    counts: { ...counted, zero_vectors: zeros },
    files,
  };
}

async function takeOverLexical(reuse: Reuse, folder: string): Promise<LexicalFigures> {
  await takeOver(reuse, folder, [fileNames.lexical, fileNames.ids]);
  const { counts, source } = reuse.manifest;
  const { zero_vectors: _zeros, ...counted } = counts;
  return { ...counted, unusable_rows: source.unusable_rows };
}

async function takeOverVectors(reuse: Reuse, { draft, embedder }: Embedding): Promise<{ zeros: number }> {
  return await draft.once('vectors', async () => {
    await requireSameRows(reuse, { folder: draft.folder, embedding: embedder.identity });
    await takeOver(reuse, draft.folder, [fileNames.vectors]);
    return { zeros: reuse.manifest.counts.zero_vectors };
  });
}

/** Size and checksum of every file that a build has beside its manifest. */
async function fingerprints(folder: string): Promise<Manifest['files']> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  const there = new Set(await readdir(folder));
  for (const name of [fileNames.dense, fileNames.vectors, fileNames.ids, fileNames.lexical]) {
    if (there.has(name)) files[name] = await fingerprint(path.join(folder, name));
  }
  return files;
}

interface Embedding extends Pick<BuildRequest, 'embedder' | 'pointer' | 'progress' | 'onStage'> {
  readonly draft: Draft;
  readonly file: string;
  readonly terms: number;
}

/** Embeds what the cache lacks, then lays the vectors of all terms into one file. */
async function embedAll({
  draft,
  file,
  embedder,
  pointer,
  terms,
  progress,
  onStage,
}: Embedding): Promise<{ zeros: number }> {
  const { identity } = embedder;
  const request = { draft, embedder, terms, progress, file };
  if (identity.provider === 'hashing') {
    onStage?.('vectors');
    return await draft.once('vectors', async () => await writeVectors({ ...request, cache: undefined }));
  }
  const cache = await openCache(embeddingsFolder(pointer), identity);
  try {
    const { folder } = draft;
    onStage?.('embedding');
    const figures = await draft.once('missing', async () => await listMissing(folder, cache, progress));
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
