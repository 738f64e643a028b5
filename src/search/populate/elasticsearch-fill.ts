import { PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { IndexState, SearchEngine } from '../../ports/search-engine.ts';
import { indexBody } from '../lexical/elasticsearch-index.ts';
import { countConcepts, indexedConcepts } from '../lexical/indexed-concepts.ts';
import { cutBatches } from './elasticsearch-batches.ts';
import { type LoadCheckpoint, type LoadPoint, noteTaker } from './elasticsearch-checkpoint.ts';
import type { Patience, RefusedConcept } from './elasticsearch-delivery.ts';
import type { Pace } from './elasticsearch-pace.ts';
import { sendAll } from './elasticsearch-send.ts';
import { steadily } from './elasticsearch-steady.ts';

/** A complete build, as far as it goes into the search engine. */
export interface EngineBuild {
  readonly id: string;
  /** Concepts by its manifest. */
  readonly concepts: number;
  /** Its lexical SQLite file. */
  readonly lexical: string;
}

interface Filling {
  readonly index: string;
  /** An index of this build that a killed load left. */
  readonly resumable: IndexState | undefined;
  readonly patience: Patience;
  readonly pace: Pace;
  readonly progress: Progress;
  readonly checkpoint: LoadCheckpoint | undefined;
  readonly refused: 'fail' | 'skip' | undefined;
}

/** Sends every concept of a build that its index does not hold yet; how many were refused and left out. */
export async function fill(
  engine: SearchEngine,
  { id, concepts, lexical }: EngineBuild,
  { index, resumable, patience, pace, progress, checkpoint, refused }: Filling,
): Promise<{ readonly refused: number }> {
  const at = await resumePoint(index, resumable, checkpoint);
  const { uuid } = at ?? (await startOver(engine, index, { id, concepts }));
  const before = at === undefined ? 0 : countConcepts(lexical, at.upTo);
  const notes = checkpoint === undefined ? undefined : noteTaker(checkpoint);
  const leftOut: RefusedConcept[] = [];
  const requireSame = async (): Promise<void> => {
    const now = await steadily(async () => await engine.describeIndex(index), patience);
    if (now?.uuid !== uuid) throw replaced(index);
  };
  const stream = indexedConcepts(lexical, at === undefined ? {} : { after: at.upTo });
  try {
    await sendAll({
      engine,
      index,
      pace,
      patience,
      requireSame,
      batches: cutBatches(stream, () => pace.limits()),
      refuse(more) {
        leftOut.push(...more);
        if (refused !== 'skip') throw notTaken(index, leftOut);
      },
      onSent({ upTo, documents }) {
        notes?.note({ index, uuid, upTo });
        progress.update(before + documents, concepts, 'concepts loaded into Elasticsearch');
      },
    });
  } finally {
    await notes?.end();
  }
  await requireSame();
  if (leftOut.length > 0) progress.say(`left out ${listed(leftOut)}`);
  return { refused: leftOut.length };
}

async function resumePoint(
  index: string,
  resumable: IndexState | undefined,
  checkpoint: LoadCheckpoint | undefined,
): Promise<LoadPoint | undefined> {
  if (resumable === undefined) return undefined;
  const at = await checkpoint?.load();
  return at?.index === index && at.uuid === resumable.uuid ? at : undefined;
}

async function startOver(
  engine: SearchEngine,
  index: string,
  build: { readonly id: string; readonly concepts: number },
): Promise<IndexState> {
  await engine.deleteIndex(index);
  await engine.createIndex(index, indexBody(build));
  const made = await engine.describeIndex(index);
  if (made === undefined) throw replaced(index);
  return made;
}

function notTaken(index: string, refused: readonly RefusedConcept[]): PortiereError {
  return new PortiereError('INDEX_INVALID', `Elasticsearch refused ${listed(refused)} (${index}).`, {
    hint: 'It was not published. Mend the cause and run the same command again.',
  });
}

function listed(refused: readonly RefusedConcept[]): string {
  const told = refused.slice(0, 5).map(({ id, reason }) => `concept ${id}: ${reason}`);
  const more = refused.length > told.length ? '; ...' : '';
  return `${refused.length} concepts: ${told.join('; ')}${more}`;
}

function replaced(index: string): PortiereError {
  return new PortiereError('INDEX_INVALID', `The index ${index} was replaced while it was loaded.`, {
    hint: 'Nothing was published. Run the same command again, and no other one beside it.',
  });
}
