import type { Block } from '../../ports.ts';
import {
  arms,
  type EvalReport,
  peers,
  type Scores,
  type SliceScores,
  type Tuning,
} from '../../search/eval/report.ts';
import {
  interval,
  noiseNames,
  peerNames,
  peerShare,
  share,
  sliceKinds,
  slicesVerdict,
  tuningVerdict,
} from '../../search/eval/wording.ts';

/** Slices of a kind that a terminal shows; the files have all. */
const mostSlices = 12;

/** An evaluation as a terminal shows it: the whole in one table, then arms, time and slices. */
export function evalView(report: EvalReport): readonly Block[] {
  const { scores, latency, tuning } = report;
  const whole = scores.filter(({ by }) => by === 'all');
  return [
    heading(report),
    ...(report.absent === 0
      ? []
      : [`${report.absent} of them name a concept that this build does not hold; they count as not found.`]),
    {
      header: ['recall@10', ...recallHeader, 'hybrid over the better arm, points (95 %)'],
      rows: whole.map((one) => [noiseNames[one.noise], ...recallCells(one)]),
    },
    slicesVerdict(scores),
    'Union: found by bm25 or dense, the ceiling of merging their first ten. Plain RRF: both merged by rank alone. Char n-grams: TF-IDF of 3 and 4 letters, without vectors.',
    {
      header: ['noise', 'arm', '@1', '@5', '@10', '@50', 'MRR'],
      rows: whole.flatMap(({ noise, arms: of, union, peers: beside }) => [
        ...arms.map((arm) => [noiseNames[noise], arm, ...depthCells(of[arm])]),
        [noiseNames[noise], 'union', ...depthCells(union)],
        ...peers.flatMap((peer) => {
          const scored = beside[peer];
          return scored === null ? [] : [[noiseNames[noise], peerNames[peer], ...depthCells(scored)]];
        }),
      ]),
    },
    {
      header: ['ms a request', 'p50', 'p95', 'p99', 'requests'],
      rows: latency.map(({ arm, p50, p95, p99, requests }) => [
        arm,
        p50.toFixed(1),
        p95.toFixed(1),
        p99.toFixed(1),
        requests,
      ]),
    },
    ...sliceBlocks(scores),
    ...(tuning === null ? [] : tuningBlocks(tuning)),
  ];
}

function heading(report: EvalReport): string {
  const { file, queries, queries_in_file, build, embedding, dense, words } = report;
  const asked = queries === queries_in_file ? `${queries}` : `${queries} of ${queries_in_file}`;
  const engine = words === 'elasticsearch' ? 'Elasticsearch' : 'own full text';
  return `${file}: ${asked} queries, build ${build}, vectors by ${embedding.model} (${embedding.precision}, ${dense.type}), words by ${engine}`;
}

const recallHeader = ['queries', ...arms, 'union', ...peers.map((peer) => peerNames[peer])];

function recallCells({ queries, arms: of, union, peers: beside, gain }: SliceScores): (string | number)[] {
  return [
    queries,
    ...arms.map((arm) => share(of[arm].recall_at_10)),
    share(union.recall_at_10),
    ...peers.map((peer) => peerShare(beside[peer], ({ recall_at_10 }) => recall_at_10)),
    gain === null ? '-' : `${interval(gain)} ${gain.over}${gain.verdict === 'behind' ? ', behind' : ''}`,
  ];
}

function depthCells(scores: Scores): string[] {
  return [scores.recall_at_1, scores.recall_at_5, scores.recall_at_10, scores.recall_at_50, scores.mrr].map(
    share,
  );
}

function sliceBlocks(scores: readonly SliceScores[]): Block[] {
  const first = scores[0]?.noise ?? 'none';
  return (['half', 'file', 'vocabulary', 'words'] as const).flatMap((by) => {
    const slices = scores.filter((one) => one.by === by && one.noise === first);
    if (slices.length === 0) return [];
    const left = slices.length - mostSlices;
    return [
      {
        header: [sliceKinds[by].toLowerCase(), ...recallHeader, 'hybrid over the better arm'],
        rows: slices.slice(0, mostSlices).map((one) => [one.name, ...recallCells(one)]),
      },
      ...(left > 0 ? [`${left} smaller ones are in the JSON.`] : []),
    ];
  });
}

function tuningBlocks(tuning: Tuning): Block[] {
  const { tried, dev_queries, held_out, setting } = tuning;
  return [
    `Weights: ${tried} pairs tried on ${dev_queries} dev queries. ${tuningVerdict(tuning)}`,
    {
      header: ['held-out half', 'queries', 'shipped @10', 'tuned @10', 'tuned over shipped, points (95 %)'],
      rows: held_out.map((one) => [
        noiseNames[one.noise],
        one.queries,
        share(one.shipped.recall_at_10),
        share(one.tuned.recall_at_10),
        interval(one),
      ]),
    },
    setting === null
      ? 'The weights are not a setting yet: they are the same for every build.'
      : `To use them: ${setting}`,
  ];
}
