import { median } from './quantile.ts';
import type { Result, Row, Target } from './result.ts';

/** The one table of all results, as Markdown, with a line for each of the goals that has none; under it notes, and the machines and programs they come from. */
export function benchTable(results: readonly Result[], goals: readonly string[] = []): string {
  const rows = results
    .flatMap((result) => result.rows.map((row) => ({ row, result })))
    .toSorted((a, b) => goalNumber(a.row) - goalNumber(b.row));
  const absent = goals.filter((goal) => rows.every(({ row }) => row.goal !== goal));
  const lines = rows.map(({ row, result }) => {
    const cells = [
      row.goal,
      row.metric,
      row.peer || 'nothing',
      figures(row),
      targetText(row),
      verdict(row, result),
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const notes = rows.flatMap(({ row }) =>
    row.note === undefined ? [] : [`- ${row.goal}, ${row.metric}: ${row.note}`],
  );
  return [
    '| Goal | What | Beside | Median (least to most, rounds) | Target | Verdict |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
    ...absent.map((goal) => `| ${goal} |  |  |  |  | not run |`),
    '',
    ...(notes.length === 0 ? [] : ['Notes:', ...new Set(notes), '']),
    ...new Set(results.map(provenance)),
  ].join('\n');
}

/** Met: the median is, and the worst round is within 15 % of the target. */
export function isMet({ rounds, target }: Pick<Row, 'rounds' | 'target'>): boolean | undefined {
  if (target === null || rounds.length === 0) return undefined;
  const values = rounds.map(({ value }) => value);
  if ('atMost' in target) {
    return median(values) <= target.atMost && Math.max(...values) <= target.atMost * 1.15;
  }
  return median(values) >= target.atLeast && Math.min(...values) >= target.atLeast * 0.85;
}

function figures({ rounds, unit, measured }: Row): string {
  if (rounds.length === 0) return '';
  const values = rounds.map(({ value }) => value);
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map(short);
  const range = ` (${least} to ${most}, ${rounds.length})`;
  const theirs = rounds.flatMap((round) => (round.theirs === null ? [] : [round.theirs]));
  const beside =
    theirs.length === 0
      ? ''
      : `; ${short(median(rounds.map(({ ours }) => ours)))} beside ${short(median(theirs))} ${measured}`;
  return `${middle}${unitText(unit)}${range}${beside}`;
}

function targetText({ target, unit }: Row): string {
  if (target === null) return '';
  return `${'atMost' in target ? '≤' : '≥'} ${short(bound(target))}${unitText(unit)}`;
}

function verdict(row: Row, { busy, others, machine }: Result): string {
  if (row.notRun !== undefined) return `not run: ${row.notRun}`;
  if (row.rounds.length === 0) return 'not run: broken off';
  const met = isMet(row);
  const words = met === undefined ? 'no target' : met ? 'met' : 'not met';
  if (!busy) return words;
  return `${words}, busy machine (load ${machine.load.toFixed(1)} at the start, others used ${short(others * 100)} %)`;
}

function bound(target: Target): number {
  return 'atMost' in target ? target.atMost : target.atLeast;
}

function unitText(unit: string): string {
  return unit === 'x' ? 'x' : unit === '' ? '' : ` ${unit}`;
}

function goalNumber({ goal }: Row): number {
  return Number(goal.slice(1));
}

/** Three digits that matter, no more after the point. */
function short(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(Math.abs(value) < 0.1 ? 2 : 3)));
}

function provenance({ bench, at, machine, versions }: Result): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { cpu, cores, memoryGiB, flags } = machine;
  return `- \`${bench}\`, ${at.slice(0, 10)}: ${cpu}, ${cores} cores, ${memoryGiB} GiB (${flags.join(' ')}); ${programs.join(', ')}`;
}
