import { link, rm } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { EmbedderIdentity } from '../embed/embedder.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import type { Manifest } from './manifest.ts';
import { sameModel } from './open.ts';

/** One half of a complete build, to be taken over as it is by a new one. */
export interface Reuse {
  readonly half: 'lexical' | 'dense';
  readonly manifest: Manifest;
  readonly folder: string;
}

/** The vocabulary that a build was made of, for a new one that takes over its full text and so reads nothing. */
export function sourceOfBuild({ source, counts }: Manifest): VocabularySource {
  const unread = (): never => {
    throw new PortiereError('BUG', 'The vocabulary of a build that is taken over was read.');
  };
  const { unusable_rows, ...rest } = source;
  return {
    ...rest,
    expected: {
      concepts: counts.concepts,
      synonyms: counts.synonyms,
      relationships: counts.mappings,
      ancestors: counts.ancestors,
    },
    concepts: unread,
    synonyms: unread,
    relationships: unread,
    ancestors: unread,
    unusable: () => unusable_rows,
    close: async () => {},
  };
}

/** Links some files of a build into another folder: they are one file on disk, and neither is ever written again. */
export async function takeOver(reuse: Reuse, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (!(name in reuse.manifest.files)) continue;
    await rm(path.join(folder, name), { force: true });
    await link(path.join(reuse.folder, name), path.join(folder, name));
  }
}

/** INDEX_INVALID unless a build's vectors belong to the terms that were just written: the same texts, row by row. */
export function requireSameTexts(
  { manifest }: Reuse,
  { texts, embedding }: { readonly texts: string; readonly embedding: EmbedderIdentity },
): void {
  const same = manifest.lexical.texts === texts;
  if (same && sameModel(manifest.embedding, embedding)) return;
  throw new PortiereError(
    'INDEX_INVALID',
    `The vectors of build ${manifest.id} are of ${same ? 'another model' : 'other texts'}, so they cannot be taken over.`,
    { hint: 'Build both halves: portiere index build' },
  );
}
