import { createHash } from 'node:crypto';

import type { SearchEngine } from '../../ports/search-engine.ts';
import { documentOf } from '../lexical/elasticsearch-index.ts';
import { indexedConcepts } from '../lexical/indexed-concepts.ts';

const page = 5_000;

/** SHA-256 (hex) over the ids and contents of an index, in the order of their ids as text. */
export async function contentDigest(engine: SearchEngine, index: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const documents of engine.documents(index, { by: 'concept_id', page })) {
    for (const { id, source } of documents) hash.update(line(id, JSON.stringify(source)));
  }
  return hash.digest('hex');
}

/** The digest that the index of a build must have, by its lexical file. */
export function expectedDigest(lexical: string): string {
  const hash = createHash('sha256');
  for (const concept of indexedConcepts(lexical, { as: 'text' }))
    hash.update(line(String(concept.concept_id), documentOf(concept)));
  return hash.digest('hex');
}

function line(id: string, json: string): string {
  return `${id}\t${json}\n`;
}
