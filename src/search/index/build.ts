import { rm } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError, hasCode } from '../../errors.ts';
import { replaceFile, sync } from '../system/disk.ts';
import { lexicalFormat } from '../lexical/schema.ts';
import { sendCanaries } from './canaries.ts';
import { makeDense, takeOverDense } from './dense-half.ts';
import { type Draft, openDraft } from './draft.ts';
import { fileNames, fingerprints, indexFormat, type Manifest } from './manifest.ts';
import { draftKey, recipeOf } from './recipe.ts';
import type { BuildRequest } from './request.ts';
import { type Reuse, takeOver } from './reuse.ts';
import { type LexicalFigures, writeLexical } from './stages/lexical.ts';
import { validateBuild } from './validate.ts';

/**
 * Builds both indexes of a vocabulary under `builds/<id>` and validates them; nothing is published. The manifest is
 * written last. A build that was broken off is taken up where it was, if it would give the same bytes, and gives
 * the bytes that it would have given.
 */
export async function buildIndex(request: BuildRequest): Promise<Manifest> {
  const { source, embedder, pointer, dense, batchTokens, version: portiere, now } = request;
  const recipe = recipeOf({ source, embedding: embedder.identity, batchTokens, dense, portiere });
  const key = draftKey(recipe, request.reuse);
  const draft = await openDraft(pointer, { recipe: key, digest: source.digest, now });
  try {
    // Vectors that were taken over may be of another wish: a build of both halves is never taken for done by it.
    const manifest = await make(request, { draft, recipe: request.reuse?.half === 'dense' ? key : recipe });
    request.onStage?.('validation');
    await validateBuild(draft.folder, manifest, embedder).catch(async (error: unknown) => {
      // What is not sound must not be taken up again; what only could not be looked at may.
      const unsound = hasCode(error, 'INDEX_INVALID');
      if (unsound) await rm(draft.folder, { recursive: true, force: true });
      throw error;
    });
    await replaceFile(path.join(draft.folder, fileNames.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await draft.finish([...Object.keys(manifest.files), fileNames.manifest]);
    await sync(draft.folder);
    await sync(path.dirname(draft.folder));
    return manifest;
  } catch (error) {
    if (!draft.worthKeeping()) await rm(draft.folder, { recursive: true, force: true });
    throw fromSystemError(error, draft.folder);
  }
}

async function make(
  request: BuildRequest,
  { draft, recipe }: { readonly draft: Draft; readonly recipe: string },
): Promise<Manifest> {
  const { source, embedder, version, progress, reuse, onStage } = request;
  const { folder } = draft;
  onStage?.('lexical');
  const { unusable_rows, texts, ...counted } = await draft.once('lexical', async () => {
    if (reuse?.half === 'lexical') return await takeOverLexical(reuse, folder);
    return await writeLexical(folder, { source, progress });
  });
  const terms = counted.names + counted.synonyms;
  const half =
    reuse?.half === 'dense'
      ? await takeOverDense(reuse, { draft, embedder, texts })
      : await makeDense(request, { draft, terms });
  onStage?.('checksums');
  progress.say('taking checksums');
  const files = await fingerprints(folder);
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
    dense: half.dense,
    lexical: { engine: 'sqlite-fts5', format: lexicalFormat, terms, texts },
    counts: { ...counted, zero_vectors: half.zeros },
    files,
  };
}

async function takeOverLexical(reuse: Reuse, folder: string): Promise<LexicalFigures> {
  await takeOver(reuse, folder, [fileNames.lexical, fileNames.ids]);
  const { counts, source, lexical } = reuse.manifest;
  const { zero_vectors: _zeros, ...counted } = counts;
  return { ...counted, unusable_rows: source.unusable_rows, texts: lexical.texts };
}
