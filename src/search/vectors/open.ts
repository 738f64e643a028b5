import type { DenseIndex } from './dense.ts';
import { faissNodeInstalled, openFaissNode } from './faiss-node.ts';
import { openNative } from './native.ts';

/** What searches the vectors; `auto` is faiss-node where it is installed, else our own code. */
export type DenseEngine = 'auto' | 'native' | 'faiss-node';

/** Opens the dense index at `path`; INDEX_MISSING, INDEX_INVALID, or PACKAGE_MISSING for an absent faiss-node. */
export async function openDense(
  path: string,
  { engine }: { readonly engine: DenseEngine },
): Promise<DenseIndex> {
  const chosen = engine === 'auto' ? (faissNodeInstalled() ? 'faiss-node' : 'native') : engine;
  return chosen === 'faiss-node' ? openFaissNode(path) : openNative(path);
}
