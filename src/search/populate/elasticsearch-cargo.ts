import type { IndexIdentity } from '../lexical/elasticsearch-mark.ts';
import {
  documentOf,
  indexBody,
  type IndexedConcept,
  indexOf,
  wordsIdentity,
} from '../lexical/elasticsearch-index.ts';
import { countConcepts, indexedConcepts } from '../lexical/indexed-concepts.ts';
import type { NumberedDocument } from './elasticsearch-batches.ts';

/** What is loaded into an index of its own: documents with ascending numbers, so that a killed load can go on. */
export interface Cargo {
  readonly index: string;
  /** What a document is of, for one and for several. */
  readonly unit: readonly [one: string, several: string];
  readonly documents: number;
  readonly identity: IndexIdentity;
  /** The index as it is created. */
  readonly body: { readonly settings: object; readonly mappings: object };
  /** Those with greater numbers, read as they are asked for. */
  after(number: number | undefined): Iterable<NumberedDocument>;
  /** How many have a number up to this one. */
  upTo(number: number): number;
  /** Looks at the loaded index before it is called complete; INDEX_INVALID where it is not sound. */
  check?(): Promise<void>;
}

/** A complete build, as far as its words go into the search engine. */
export interface EngineBuild {
  readonly id: string;
  /** Concepts by its manifest. */
  readonly concepts: number;
  /** Its lexical SQLite file. */
  readonly lexical: string;
}

/** The concepts of a build with their names and synonyms. */
export function conceptCargo(build: EngineBuild, alias: string): Cargo {
  const { lexical } = build;
  return {
    index: indexOf(build.id, alias),
    unit: ['concept', 'concepts'],
    documents: build.concepts,
    identity: wordsIdentity(build),
    body: indexBody(build),
    after: (number) =>
      conceptDocuments(indexedConcepts(lexical, number === undefined ? {} : { after: number })),
    upTo: (number) => countConcepts(lexical, number),
  };
}

/** Concepts as they are loaded. */
export function* conceptDocuments(concepts: Iterable<IndexedConcept>): Generator<NumberedDocument> {
  for (const concept of concepts) yield { number: concept.concept_id, json: documentOf(concept) };
}
