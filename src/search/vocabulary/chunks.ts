import { PortiereError } from '../../errors.ts';

const NEWLINE = 10;
const LONGEST = 1024 * 1024;

/** Whole lines of a file: `bytes` ends with LF, except the last piece of a file that does not. */
export interface Lines {
  readonly bytes: Buffer;
  readonly terminated: boolean;
}

/** Cuts a stream of bytes at line ends; a line above 1 MiB is no row of any table (VOCABULARY_ROWS). */
export async function* wholeLines(stream: AsyncIterable<Buffer>, file: string): AsyncGenerator<Lines> {
  let rest: Buffer[] = [];
  let waiting = 0;
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const head = chunk.subarray(0, end);
      yield { bytes: waiting === 0 ? head : Buffer.concat([...rest, head]), terminated: true };
      rest = [];
      waiting = 0;
    }
    if (end < chunk.length) {
      rest.push(chunk.subarray(end));
      waiting += chunk.length - end;
    }
    if (waiting > LONGEST) throw notALine(file);
  }
  if (waiting > 0) yield { bytes: Buffer.concat(rest), terminated: false };
}

function notALine(file: string): PortiereError {
  return new PortiereError('VOCABULARY_ROWS', `${file} has a line longer than 1 MiB.`, {
    hint: 'That is not a table of an Athena download: check what the file is, and download the vocabulary again.',
  });
}
