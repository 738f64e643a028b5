import type { BulkLines } from '../../src/ports/search-engine.ts';

/** Documents by id, as the engine takes them. */
export function bulkLines(documents: Readonly<Record<string, object>>): BulkLines {
  const lines = Object.entries(documents).map(
    ([id, document]) => `{"index":{"_id":${JSON.stringify(id)}}}\n${JSON.stringify(document)}\n`,
  );
  return { body: Buffer.from(lines.join('')), documents: lines.length };
}
