import type { Row } from './row.ts';

/** Turns the lines of one file into rows, keeping the books in the tally it was made with. */
export interface Reader {
  /** Rows complete with these lines; `lines` ends with LF. */
  push(lines: Buffer): Row[];
  /** Rows of what was still waiting for more lines. */
  end(): Row[];
}
