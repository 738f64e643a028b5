import { PortiereError } from '../../errors.ts';

/** INDEX_INVALID for an index whose threads did not start, unless its own fault says more. */
export function cannotLoad(error: unknown): never {
  if (error instanceof PortiereError) throw error;
  throw new PortiereError('INDEX_INVALID', `The dense index could not be loaded: ${String(error)}`, {
    hint: 'Check that there is memory for the whole file, or build the index again: portiere index build',
    cause: error,
  });
}
