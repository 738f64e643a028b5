import type { BulkLines } from '../../ports/search-engine.ts';

/** A document by the number that is its id, as JSON on one line. */
export interface NumberedDocument {
  readonly number: number;
  readonly json: string;
}

/** Documents with ascending numbers. */
export interface Batch extends BulkLines {
  /** The last of its numbers. */
  readonly upTo: number;
}

/** How large a batch may become; the first document that reaches one of them is its last. */
export interface BatchLimits {
  readonly documents: number;
  /** Of the text; what is beyond ASCII takes more. */
  readonly bytes: number;
}

/** Cuts a stream of documents into batches; the limits are asked for at each one. */
export function* cutBatches(
  stream: Iterable<NumberedDocument>,
  limits: () => BatchLimits,
): Generator<Batch, undefined> {
  let text = '';
  let documents = 0;
  let upTo = 0;
  let most = limits();
  for (const { number, json } of stream) {
    upTo = number;
    text += `{"index":{"_id":"${number}"}}\n${json}\n`;
    documents += 1;
    if (documents < most.documents && text.length < most.bytes) continue;
    yield { body: Buffer.from(text), documents, upTo };
    text = '';
    documents = 0;
    most = limits();
  }
  if (documents > 0) yield { body: Buffer.from(text), documents, upTo };
  return undefined;
}

/** The documents at these places, in their order. */
export function pickLines({ body }: BulkLines, places: readonly number[]): BulkLines {
  const lines = body.toString().split('\n');
  const picked = places.map((at) => `${lines[at * 2]}\n${lines[at * 2 + 1]}\n`);
  return { body: Buffer.from(picked.join('')), documents: places.length };
}

/** The first and the second half of some documents. */
export function halves(lines: BulkLines): readonly [BulkLines, BulkLines] {
  const middle = Math.ceil(lines.documents / 2);
  const places = Array.from({ length: lines.documents }, (_, at) => at);
  return [pickLines(lines, places.slice(0, middle)), pickLines(lines, places.slice(middle))];
}

/** The id of the document at a place. */
export function idAt({ body }: BulkLines, at: number): string {
  const action = body.toString().split('\n')[at * 2] ?? '{}';
  return (JSON.parse(action) as { index?: { _id?: string } }).index?._id ?? '';
}
