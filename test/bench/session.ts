import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { watchOthers } from './others.ts';
import { median } from './quantile.ts';
import { type Machine, type Result, resultFolder, type Round, type Row } from './result.ts';

/** What every bench takes, for parseArgs. */
export const commonOptions = {
  /** Measures although others use the machine; the rows say so. */
  busy: { type: 'boolean', default: false },
  /** Seconds to wait for the others at most. */
  wait: { type: 'string', default: '60' },
  /** Comes right after another bench, whose load the average still tells. */
  after: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
} as const;

export interface SessionOptions {
  readonly busy: boolean;
  readonly wait: string;
  readonly after: boolean;
  /** What is measured is another program on this machine, a server: it is none of the others that disturb. */
  readonly server?: boolean;
}

export type RowHead = Omit<Row, 'rounds' | 'notRun' | 'note'>;

/** A row that is being measured. */
export interface OpenRow {
  /** Adds a round; `value` is their ratio where it is not given. */
  round(ours: number, theirs: number | null, value?: number): void;
  /** Says what bounds it. */
  note(text: string): void;
}

/** One run of a bench: rows, and where they are written. */
export interface Session {
  row(head: RowHead): OpenRow;
  notRun(head: RowHead, why: string): void;
  /** Notes the version of a peer. */
  version(name: string, version: string): void;
  /** Writes results/`bench`.json, as each round did. */
  finish(): void;
}

const MOST_LOAD = 0.3;
/** Share of the processors that others may use while it is measured. */
const MOST_OTHERS = 0.03;

/**
 * Pins this process and all it starts to two cores and waits for a quiet machine; throws where others go on
 * using it, unless `busy`.
 */
export async function openSession(
  bench: string,
  options: SessionOptions & Readonly<Record<string, unknown>>,
): Promise<Session> {
  const pinned = pinToTwoCores();
  const load = await quietLoad(options.after ? 0 : Number(options.wait));
  if (load > MOST_LOAD && !options.busy && !options.after) {
    throw new Error(
      `The load average is ${load.toFixed(2)}, above ${MOST_LOAD}: what is measured now says little (--busy: anyway).`,
    );
  }
  const others = watchOthers();
  const at = new Date().toISOString();
  const rows: Row[] = [];
  const versions: Record<string, string> = { node: process.version };
  console.log(
    `${bench}: ${cpus()[0]?.model ?? 'unknown processor'}, cores ${pinned}, load ${load.toFixed(2)}, Node ${process.version}`,
  );

  /** After each round: who is broken off leaves what is measured. */
  const save = (): number => {
    const { busy: _, wait: __, after: ___, server = false, ...rest } = options;
    const used = others();
    const result: Result = {
      bench,
      at,
      machine: machineNow(pinned, load),
      versions,
      options: rest,
      busy: used > MOST_OTHERS && !server,
      others: used,
      rows,
    };
    mkdirSync(resultFolder, { recursive: true });
    writeFileSync(join(resultFolder, `${bench}.json`), `${JSON.stringify(result, null, 1)}\n`);
    return result.others;
  };

  return {
    row(head) {
      const rounds: Round[] = [];
      const place = rows.push({ ...head, rounds }) - 1;
      return {
        round(ours, theirs, value = ours / (theirs ?? Number.NaN)) {
          rounds.push({ value, ours, theirs, load: loadavg()[0] ?? Number.NaN });
          save();
          console.log(
            `  ${head.goal} ${head.metric}: ${value.toPrecision(3)} ${head.unit} (${ours.toPrecision(4)} beside ${theirs?.toPrecision(4) ?? 'nothing'} ${head.measured})`,
          );
        },
        note(text) {
          rows[place] = { ...rows[place]!, note: text };
        },
      };
    },
    notRun(head, why) {
      rows.push({ ...head, rounds: [], notRun: why });
    },
    version(name, version) {
      versions[name] = version;
    },
    finish() {
      const used = save();
      for (const { goal, metric, rounds, unit, notRun } of rows) {
        console.log(
          `${goal} ${metric}: ${notRun === undefined ? `${median(rounds.map(({ value }) => value)).toPrecision(3)} ${unit}` : `not run: ${notRun}`}`,
        );
      }
      console.log(`others used ${(used * 100).toFixed(1)} % of the machine`);
    },
  };
}

/** Of all threads; what is started later inherits it. */
function pinToTwoCores(): string {
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const cores = allowed.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  const two = cores.slice(0, 2).join(',');
  const { status } = spawnSync('taskset', ['-a', '-c', '-p', two, String(process.pid)]);
  return status === 0 ? two : `${allowed} (taskset is absent)`;
}

async function quietLoad(patience: number): Promise<number> {
  for (const end = performance.now() + patience * 1000; ;) {
    const load = loadavg()[0] ?? 0;
    if (load <= MOST_LOAD || performance.now() >= end) return load;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function machineNow(pinned: string, load: number): Machine {
  const flags = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  const telling = [
    'avx2',
    'fma',
    'avx512f',
    'avx512_bf16',
    'avx512_vnni',
    'avx_vnni',
    'amx_int8',
    'amx_bf16',
  ];
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned,
    flags: telling.filter((flag) => flags.includes(flag)),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load,
  };
}
