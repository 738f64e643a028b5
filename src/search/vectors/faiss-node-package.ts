import { createRequire } from 'node:module';
import path from 'node:path';
import { PortiereError } from '../../errors.ts';

/** Where the optional package faiss-node is, looked for from a folder or from beside this program. */
export function faissNodePath(from?: string): string | undefined {
  const require = createRequire(from === undefined ? import.meta.url : path.join(from, 'package.json'));
  try {
    return require.resolve('faiss-node');
  } catch {
    return undefined;
  }
}

/** Whether it can be found. */
export function faissNodeInstalled(from?: string): boolean {
  return faissNodePath(from) !== undefined;
}

/** PACKAGE_MISSING. */
export function noFaissNode(): PortiereError {
  return new PortiereError('PACKAGE_MISSING', 'The package faiss-node is not installed.', {
    hint: 'npm install faiss-node, or search without it: DENSE_ENGINE=native.',
  });
}
