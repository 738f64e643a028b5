import { pairedInterval } from './bootstrap.ts';
import type { NoiseKind } from './noise.ts';
import { better, type Ranks } from './ranks.ts';
import { type Arm, arms, type Gain, type Scores, type Slice, type SliceScores } from './report.ts';
import { hitAt10, scoresOf } from './score.ts';

/** One query under one kind of noise, answered. */
export interface Answered {
  readonly noise: NoiseKind;
  /** Place of the query in the file. */
  readonly query: number;
  readonly ranks: Ranks;
}

/** Below this, an interval says nothing worth reading. */
const fewest = 200;

/** Scores of every slice under every kind of noise, the whole first, then large slices before small ones. */
export function scoreSlices(
  answered: readonly Answered[],
  slicesOf: (query: number) => readonly Slice[],
  seed: number,
): SliceScores[] {
  const groups = new Map<string, { slice: Slice; noise: NoiseKind; members: Answered[] }>();
  for (const one of answered) {
    for (const slice of slicesOf(one.query)) {
      const key = `${one.noise}\t${slice.by}\t${slice.name}`;
      const group = groups.get(key) ?? { slice, noise: one.noise, members: [] };
      group.members.push(one);
      groups.set(key, group);
    }
  }
  const asTheyAre = new Map(
    answered.filter(({ noise }) => noise === 'none').map(({ query, ranks }) => [query, ranks.hybrid]),
  );
  return [...groups.values()]
    .map(({ slice, noise, members }) => scoreGroup({ ...slice, noise }, members, asTheyAre, seed))
    .sort(
      (a, b) =>
        order.indexOf(a.by) - order.indexOf(b.by) ||
        b.queries - a.queries ||
        a.name.localeCompare(b.name, 'en'),
    );
}

const order: readonly Slice['by'][] = ['all', 'half', 'file', 'vocabulary', 'words'];

function scoreGroup(
  group: Slice & { readonly noise: NoiseKind },
  members: readonly Answered[],
  asTheyAre: ReadonlyMap<number, number>,
  seed: number,
): SliceScores {
  const of = (arm: Arm): Scores => scoresOf(members.map(({ ranks }) => ranks[arm]));
  const [bm25, dense, hybrid] = arms.map(of) as [Scores, Scores, Scores];
  const same = members.map(({ query }) => asTheyAre.get(query));
  const known = same.filter((rank) => rank !== undefined);
  return {
    ...group,
    queries: members.length,
    arms: { bm25, dense, hybrid },
    peers: { rrf: scoresOf(members.map(({ ranks }) => ranks.rrf)), char_grams: charGramScores(members) },
    union: scoresOf(members.map(({ ranks }) => better(ranks.bm25, ranks.dense))),
    undisturbed: group.noise === 'none' || known.length < same.length ? null : scoresOf(known).recall_at_10,
    gain:
      members.length < fewest
        ? null
        : gainOver(bm25.recall_at_10 > dense.recall_at_10 ? 'bm25' : 'dense', members, seed),
  };
}

function charGramScores(members: readonly Answered[]): Scores | null {
  const ranks = members.flatMap(({ ranks: { char_grams } }) => char_grams ?? []);
  return ranks.length < members.length ? null : scoresOf(ranks);
}

function gainOver(over: Gain['over'], members: readonly Answered[], seed: number): Gain {
  const differences = members.map(({ ranks }) => hitAt10(ranks.hybrid) - hitAt10(ranks[over]));
  const interval = pairedInterval(differences, seed);
  const verdict = interval.low > 0 ? 'ahead' : interval.high < 0 ? 'behind' : 'even';
  return { over, ...interval, verdict };
}
