import type { EngineFault } from './elasticsearch-errors.ts';

/** One request to the search engine. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  /** Lines of JSON, each with its line end. */
  readonly lines?: Buffer;
  /** Milliseconds for the whole of it, instead of the ordinary ones. */
  readonly timeout?: number;
  /** Tries beyond the first, for calls that may be repeated. */
  readonly retries?: number;
  /** It takes long by its nature, so that no other node is asked meanwhile. */
  readonly waits?: true;
}

export type Answered<Answer> = { readonly body: Answer } | { readonly fault: EngineFault };

/** Performs a call; never rejects. */
export type Attempt = <Answer>(call: Call) => Promise<Answered<Answer>>;

/** Performs a call; throws its fault in our words. */
export type Ask = <Answer>(call: Call) => Promise<Answer>;
