import { PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { IndexState, SearchEngine } from '../../ports/search-engine.ts';
import { type Copies, copySettings } from '../lexical/elasticsearch-copies.ts';
import { cutBatches } from './elasticsearch-batches.ts';
import type { Cargo } from './elasticsearch-cargo.ts';
import { type LoadCheckpoint, type LoadPoint, noting } from './elasticsearch-checkpoint.ts';
import type { Patience, RefusedOne } from './elasticsearch-delivery.ts';
import type { Pace } from './elasticsearch-pace.ts';
import { sendAll } from './elasticsearch-send.ts';
import { steadily } from './elasticsearch-steady.ts';

interface Filling {
  /** An index of this cargo that a killed load left. */
  readonly resumable: IndexState | undefined;
  readonly patience: Patience;
  readonly pace: Pace;
  readonly progress: Progress;
  readonly checkpoint: LoadCheckpoint | undefined;
  readonly refused: 'fail' | 'skip' | undefined;
  readonly copies: Copies;
}

/** Sends every document of a cargo that its index does not hold yet; how many were refused and left out. */
export async function fill(
  engine: SearchEngine,
  cargo: Cargo,
  { resumable, patience, pace, progress, checkpoint, refused, copies }: Filling,
): Promise<{ readonly refused: number }> {
  const { index, unit, documents: total } = cargo;
  const at = await resumePoint(index, resumable, checkpoint);
  const { uuid } = at ?? (await startOver(engine, cargo, copies));
  const before = at === undefined ? 0 : cargo.upTo(at.upTo);
  const leftOut: RefusedOne[] = [];
  const requireSame = async (): Promise<void> => {
    const now = await steadily(async () => await engine.describeIndex(index), patience);
    if (now?.uuid !== uuid) throw replaced(index);
  };
  await noting(checkpoint, async (note) => {
    await sendAll({
      engine,
      index,
      pace,
      patience,
      requireSame,
      batches: cutBatches(cargo.after(at?.upTo), () => pace.limits()),
      refuse(more) {
        leftOut.push(...more);
        if (refused !== 'skip') throw notTaken(cargo, leftOut);
      },
      onSent({ upTo, documents }) {
        note({ index, uuid, upTo });
        progress.update(before + documents, total, `${unit[1]} loaded into Elasticsearch`);
      },
    });
  });
  await requireSame();
  if (leftOut.length > 0) progress.say(`left out ${listed(unit, leftOut)}`);
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

async function startOver(engine: SearchEngine, { index, body }: Cargo, copies: Copies): Promise<IndexState> {
  await engine.deleteIndex(index);
  await engine.createIndex(index, { ...body, settings: { ...body.settings, ...copySettings(copies) } });
  const made = await engine.describeIndex(index);
  if (made === undefined) throw replaced(index);
  return made;
}

function notTaken({ index, unit }: Cargo, refused: readonly RefusedOne[]): PortiereError {
  return new PortiereError('INDEX_INVALID', `Elasticsearch refused ${listed(unit, refused)} (${index}).`, {
    hint: 'It was not published. Mend the cause and run the same command again.',
  });
}

function listed([one, several]: Cargo['unit'], refused: readonly RefusedOne[]): string {
  const told = refused.slice(0, 5).map(({ id, reason }) => `${one} ${id}: ${reason}`);
  const more = refused.length > told.length ? '; ...' : '';
  return `${refused.length} ${several}: ${told.join('; ')}${more}`;
}

function replaced(index: string): PortiereError {
  return new PortiereError('INDEX_INVALID', `The index ${index} was replaced while it was loaded.`, {
    hint: 'Nothing was published. Run the same command again, and no other one beside it.',
  });
}
