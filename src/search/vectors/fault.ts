import { type ErrorCode, fromSystemError, PortiereError } from '../../errors.ts';

/** An error as it travels between threads. */
export interface Fault {
  readonly message: string;
  /** Absent for an error that is none of ours. */
  readonly code?: ErrorCode;
  readonly hint?: string;
}

/** `thing` is what was being worked on, for an error of the operating system. */
export function toFault(error: unknown, thing: string): Fault {
  const known = fromSystemError(error, thing);
  const message = known instanceof Error ? known.message : String(known);
  if (!(known instanceof PortiereError)) return { message };
  return { message, code: known.code, ...(known.hint === undefined ? {} : { hint: known.hint }) };
}

export function fromFault({ message, code, hint }: Fault): Error {
  if (code === undefined) return new Error(message);
  return new PortiereError(code, message, hint === undefined ? {} : { hint });
}

/** INDEX_INVALID for an index whose threads did not start, unless its own fault says more. */
export function cannotLoad(error: unknown): never {
  if (error instanceof PortiereError) throw error;
  throw new PortiereError('INDEX_INVALID', `The dense index could not be loaded: ${String(error)}`, {
    hint: 'Check that there is memory for the whole file, or build the index again: portiere index build',
    cause: error,
  });
}
