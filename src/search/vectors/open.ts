import { PortiereError } from '../../errors.ts';
import type { DenseIndex } from './dense.ts';
import { inspectFaiss } from './faiss-header.ts';
import { openFaissNode } from './faiss-node.ts';
import { faissNodeInstalled } from './faiss-node-package.ts';
import { openFromFile } from './from-file.ts';
import { openIvf } from './ivf.ts';
import { openNative } from './native.ts';

/**
 * What searches the vectors; `auto` is our own code, and faiss-node for a graph, which our own does not search; `file`
 * holds nothing of a flat index in memory and reads all of it for a search.
 */
export type DenseEngine = 'auto' | 'native' | 'faiss-node' | 'file';

export interface DenseOptions {
  readonly engine: DenseEngine;
  /** The flat file with every row, in row order, where `path` is another. */
  readonly vectors?: string | undefined;
  /** Rows looked at exactly for a search (what the plan says), at least. */
  readonly rerank?: number | undefined;
  /** Lists of an inverted file to look into, at most all; what the file says without it. */
  readonly nprobe?: number | undefined;
  /** Take some times as long, and leave the processor to others meanwhile. */
  readonly gently?: boolean | undefined;
  /** Neighbours a search of a graph keeps in view; what the file says without it. */
  readonly efSearch?: number | undefined;
}

/**
 * Opens the dense index at `path`, whatever kind it is; INDEX_MISSING, INDEX_INVALID, PACKAGE_MISSING for an
 * absent faiss-node, CONFIG_INVALID for a kind that the engine asked for does not search.
 */
export async function openDense(path: string, options: DenseOptions): Promise<DenseIndex> {
  const { engine } = options;
  const { fourcc } = await inspectFaiss(path);
  if (fourcc.startsWith('Iw')) {
    if (engine !== 'faiss-node') {
      const index = await openIvf(path, options);
      return options.nprobe === undefined ? index : index.probing(Math.min(options.nprobe, index.nlist));
    }
    throw new PortiereError(
      'CONFIG_INVALID',
      `${path} is an inverted file, which faiss-node is not asked to search.`,
      {
        hint: 'Set DENSE_ENGINE=native (or auto), or build a flat index: portiere index build',
      },
    );
  }
  if (fourcc.startsWith('IHN')) {
    if (engine === 'native' || !faissNodeInstalled()) {
      throw new PortiereError(
        'CONFIG_INVALID',
        `${path} is a graph (HNSW), which only faiss-node searches.`,
        {
          hint: 'npm install faiss-node and set DENSE_ENGINE=faiss-node (or auto), or build another kind: portiere index build',
        },
      );
    }
    return openFaissNode(path, { vectors: options.vectors, efSearch: options.efSearch });
  }
  if (engine === 'file') return openFromFile(path);
  return engine === 'faiss-node' ? openFaissNode(path) : openNative(path, options);
}
