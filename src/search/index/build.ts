import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { Embedder } from '../embed/embedder.ts';
import { lexicalFormat } from '../lexical/schema.ts';
import { createLexical, type LexicalWriter } from '../lexical/writer.ts';
import { createFlatWriter } from '../vectors/flat-writer.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { fileNames, fingerprint, indexFormat, type Manifest } from './manifest.ts';
import { buildsFolder, syncFolder } from './publish.ts';
import { validateBuild } from './validate.ts';
import { embedInto, type VectorSink } from './vector-sink.ts';

export interface BuildRequest {
  readonly source: VocabularySource;
  readonly embedder: Embedder;
  /** FAISS_INDEX_PATH; the build goes into `builds/<id>/` beside it. */
  readonly pointer: string;
  readonly version: string;
  readonly now: Date;
  readonly progress: Progress;
}

/** Relationships that a concept's page shows. */
const shownRelationships = new Set(['Maps to', 'Concept replaced by']);

/**
 * Builds both indexes of a vocabulary under `builds/<id>` and validates them; nothing is published. The manifest
 * is written last, so a build that dies leaves a folder that the next one sweeps away.
 */
export async function buildIndex(request: BuildRequest): Promise<Manifest> {
  const { source, embedder, pointer, now } = request;
  const { id, folder } = await newFolder(buildsFolder(pointer), now, source.digest);
  try {
    const counts = await writeIndexes(request, folder);
    const files: Record<string, { bytes: number; sha256: string }> = {};
    for (const name of [fileNames.dense, fileNames.ids, fileNames.lexical]) {
      files[name] = await fingerprint(path.join(folder, name));
    }
    const manifest: Manifest = {
      format: indexFormat,
      id,
      created_at: now.toISOString(),
      portiere: request.version,
      source: {
        kind: source.kind,
        label: source.label,
        digest: source.digest,
        version: source.version,
        select: source.select,
        unusable_rows: source.unusable(),
      },
      embedding: embedder.identity,
      dense: {
        type: 'IxFI',
        metric: 'inner_product',
        dimension: embedder.identity.dimension,
        count: counts.names + counts.synonyms,
      },
      lexical: { engine: 'sqlite-fts5', format: lexicalFormat, terms: counts.names + counts.synonyms },
      counts,
      files,
    };
    await validateBuild(folder, manifest, embedder);
    await writeDurably(path.join(folder, fileNames.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(folder);
    await syncFolder(path.dirname(folder));
    return manifest;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw fromSystemError(error, folder);
  }
}

/** A folder that was not there: one that is may be the published build, made in the same millisecond or after it. */
async function newFolder(builds: string, now: Date, digest: string): Promise<{ id: string; folder: string }> {
  for (let time = now.getTime(); ; time += 1) {
    const id = `${new Date(time).toISOString().replaceAll(/[-:.]/g, '')}-${digest.slice(0, 8)}`;
    const folder = path.join(builds, id);
    try {
      await mkdir(builds, { recursive: true });
      await mkdir(folder);
      return { id, folder };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fromSystemError(error, folder);
    }
  }
}

async function writeIndexes(request: BuildRequest, folder: string): Promise<Manifest['counts']> {
  const { source, embedder, progress } = request;
  const lexical = createLexical(path.join(folder, fileNames.lexical));
  const flat = await createFlatWriter(path.join(folder, fileNames.dense), {
    dimension: embedder.identity.dimension,
  });
  const ids = await open(path.join(folder, fileNames.ids), 'w');
  let finished = false;
  try {
    const { expected } = source;
    const texts = expected === null ? undefined : expected.concepts + expected.synonyms;
    const sink = embedInto({ embedder, flat, ids, progress, total: texts });
    const vocabularies: Record<string, number> = {};
    for await (const batch of source.concepts()) {
      for (const concept of batch) {
        lexical.addConcept(concept);
        vocabularies[concept.vocabulary_id] = (vocabularies[concept.vocabulary_id] ?? 0) + 1;
        await addTerm(lexical, sink, {
          concept_id: concept.concept_id,
          kind: 'name',
          text: concept.concept_name,
        });
      }
    }
    const names = sink.rows();
    for await (const batch of source.synonyms()) {
      for (const synonym of batch) {
        const name = lexical.nameOf(synonym.concept_id);
        if (name === undefined || name === synonym.concept_synonym_name) continue;
        await addTerm(lexical, sink, {
          concept_id: synonym.concept_id,
          kind: 'synonym',
          text: synonym.concept_synonym_name,
        });
      }
    }
    await sink.flush();
    const mappings = await addMappings(source, lexical, progress);
    const ancestors = await addAncestors(source, lexical, progress);
    progress.say('building the full-text index');
    await new Promise(setImmediate);
    lexical.finish();
    finished = true;
    const terms = await flat.finish();
    await ids.sync();
    return {
      concepts: names,
      names,
      synonyms: terms - names,
      mappings,
      ancestors,
      zero_vectors: sink.zeros(),
      vocabularies,
    };
  } finally {
    await ids.close();
    if (!finished) {
      lexical.abandon();
      await flat.abandon();
    }
  }
}

async function addTerm(
  lexical: LexicalWriter,
  sink: VectorSink,
  term: { concept_id: number; kind: 'name' | 'synonym'; text: string },
): Promise<void> {
  lexical.addTerm({ ...term, row: sink.rows() });
  await sink.add(term.concept_id, term.text);
}

async function addMappings(
  source: VocabularySource,
  lexical: LexicalWriter,
  progress: Progress,
): Promise<number> {
  let count = 0;
  let read = 0;
  for await (const batch of source.relationships()) {
    for (const row of batch) {
      if (!shownRelationships.has(row.relationship_id) || row.invalid_reason !== null) continue;
      if (!lexical.has(row.concept_id_1) || !lexical.has(row.concept_id_2)) continue;
      lexical.addMapping(row);
      count += 1;
    }
    read += batch.length;
    progress.update(read, source.expected?.relationships, 'relationships');
  }
  return count;
}

async function addAncestors(
  source: VocabularySource,
  lexical: LexicalWriter,
  progress: Progress,
): Promise<number> {
  let count = 0;
  let read = 0;
  for await (const batch of source.ancestors()) {
    for (const row of batch) {
      if (!lexical.has(row.ancestor_concept_id) || !lexical.has(row.descendant_concept_id)) continue;
      lexical.addAncestor(row);
      count += 1;
    }
    read += batch.length;
    progress.update(read, source.expected?.ancestors, 'ancestor pairs');
  }
  return count;
}

async function writeDurably(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flush: true });
}
