import { createHash, type Hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';

import type { Progress } from '../../../ports.ts';
import { createLexical, type LexicalWriter } from '../../lexical/writer.ts';
import type { VocabularySource } from '../../vocabulary/source.ts';
import { createIdSidecar, type IdSidecar } from '../id-sidecar.ts';
import { fileNames } from '../manifest.ts';

/** What the lexical stage counted. */
export interface LexicalFigures {
  readonly concepts: number;
  readonly names: number;
  readonly synonyms: number;
  readonly mappings: number;
  readonly ancestors: number;
  readonly vocabularies: Readonly<Record<string, number>>;
  readonly unusable_rows: number;
  /** sha256 over the concept id and the text of each term, in row order. */
  readonly texts: string;
}

/** Relationships that a concept's page shows. */
const shownRelationships = new Set(['Maps to', 'Concept replaced by']);

/**
 * Reads the vocabulary into the lexical file and the id sidecar. A term's row is its place in the order in which the
 * source gives them, names before synonyms.
 */
export async function writeLexical(
  folder: string,
  { source, progress }: { readonly source: VocabularySource; readonly progress: Progress },
): Promise<LexicalFigures> {
  const file = path.join(folder, fileNames.lexical);
  await rm(path.join(folder, fileNames.ids), { force: true });
  const lexical = createLexical(file);
  const ids = await createIdSidecar(path.join(folder, fileNames.ids));
  let finished = false;
  try {
    const texts = createHash('sha256');
    const parts = { source, lexical, ids, texts, progress };
    const vocabularies = await addNames(parts);
    const names = ids.rows;
    await addSynonyms(parts);
    const mappings = await addMappings(parts);
    const ancestors = await addAncestors(parts);
    progress.say('building the full-text index');
    finished = true;
    await lexical.finish();
    await ids.finish();
    return {
      concepts: names,
      names,
      synonyms: ids.rows - names,
      mappings,
      ancestors,
      vocabularies,
      unusable_rows: source.unusable(),
      texts: texts.digest('hex'),
    };
  } finally {
    if (!finished) lexical.abandon();
    await ids.close();
  }
}

interface Parts {
  readonly source: VocabularySource;
  readonly lexical: LexicalWriter;
  readonly ids: IdSidecar;
  readonly texts: Hash;
  readonly progress: Progress;
}

async function addNames({ source, lexical, ids, texts, progress }: Parts): Promise<Record<string, number>> {
  const vocabularies: Record<string, number> = {};
  for await (const batch of source.concepts()) {
    for (const concept of batch) {
      const { concept_id, concept_name: text, vocabulary_id } = concept;
      lexical.addConcept(concept);
      lexical.addTerm({ concept_id, kind: 'name', text, row: ids.rows });
      texts.update(`${concept_id}\t${text}\n`);
      await ids.add(concept_id);
      vocabularies[vocabulary_id] = (vocabularies[vocabulary_id] ?? 0) + 1;
    }
    progress.update(ids.rows, source.expected?.concepts, 'concepts');
  }
  return vocabularies;
}

async function addSynonyms({ source, lexical, ids, texts, progress }: Parts): Promise<void> {
  const told = { progress, total: source.expected?.synonyms, unit: 'synonyms' };
  for await (const batch of counted(source.synonyms(), told)) {
    for (const { concept_id, concept_synonym_name: text } of batch) {
      const name = lexical.nameOf(concept_id);
      if (name === undefined || name === text) continue;
      lexical.addTerm({ concept_id, kind: 'synonym', text, row: ids.rows });
      texts.update(`${concept_id}\t${text}\n`);
      await ids.add(concept_id);
    }
  }
}

async function addMappings({ source, lexical, progress }: Parts): Promise<number> {
  let count = 0;
  const told = { progress, total: source.expected?.relationships, unit: 'relationships' };
  for await (const batch of counted(source.relationships(), told)) {
    for (const row of batch) {
      if (!shownRelationships.has(row.relationship_id) || row.invalid_reason !== null) continue;
      if (!lexical.has(row.concept_id_1) || !lexical.has(row.concept_id_2)) continue;
      lexical.addMapping(row);
      count += 1;
    }
  }
  return count;
}

async function addAncestors({ source, lexical, progress }: Parts): Promise<number> {
  let count = 0;
  const told = { progress, total: source.expected?.ancestors, unit: 'ancestor pairs' };
  for await (const batch of counted(source.ancestors(), told)) {
    for (const row of batch) {
      if (!lexical.has(row.ancestor_concept_id) || !lexical.has(row.descendant_concept_id)) continue;
      lexical.addAncestor(row);
      count += 1;
    }
  }
  return count;
}

/** The batches of a table; how many of its rows were worked on is told after each. */
async function* counted<Row>(
  batches: AsyncIterable<readonly Row[]>,
  told: { readonly progress: Progress; readonly total: number | undefined; readonly unit: string },
): AsyncGenerator<readonly Row[]> {
  let read = 0;
  for await (const batch of batches) {
    yield batch;
    read += batch.length;
    told.progress.update(read, told.total, told.unit);
  }
}
