import { type ErrorCode, fromSystemError, PortiereError, type Problem } from '../../errors.ts';

/** An error as it travels between threads. */
export interface Fault {
  readonly message: string;
  /** Absent for an error that is none of ours. */
  readonly code?: ErrorCode;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
}

/** `thing` is what was being worked on, for an error of the operating system. */
export function toFault(error: unknown, thing: string): Fault {
  const known = fromSystemError(error, thing);
  const message = known instanceof Error ? known.message : String(known);
  if (!(known instanceof PortiereError)) return { message };
  const { code, hint, problems } = known;
  return { message, code, problems, ...(hint === undefined ? {} : { hint }) };
}

export function fromFault({ message, code, hint, problems = [] }: Fault): Error {
  if (code === undefined) return new Error(message);
  return new PortiereError(code, message, { problems, ...(hint === undefined ? {} : { hint }) });
}
