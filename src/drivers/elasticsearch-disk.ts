import type { Ask } from './elasticsearch-call.ts';

interface NodeDisks {
  readonly nodes?: Readonly<
    Record<
      string,
      {
        readonly name: string;
        readonly fs: {
          readonly total: { readonly available_in_bytes: number; readonly total_in_bytes: number };
        };
      }
    >
  >;
}

type Watermarks = Readonly<
  Record<
    string,
    {
      readonly cluster?: {
        readonly routing?: { readonly allocation?: { readonly disk?: { readonly watermark?: Marks } } };
      };
    }
  >
>;
type Marks = Readonly<Record<string, string>>;

/** Free bytes of the fullest disk and the watermark that it passed; `reason` where the engine does not tell. */
export async function diskState(ask: Ask, reason: string): Promise<string> {
  try {
    const total = 'nodes.*.fs.total';
    const { nodes = {} } = await ask<NodeDisks>({
      method: 'GET',
      path: '/_nodes/stats/fs',
      query: { filter_path: `nodes.*.name,${total}.available_in_bytes,${total}.total_in_bytes` },
    });
    const settings = await ask<Watermarks>({
      method: 'GET',
      path: '/_cluster/settings',
      query: { include_defaults: true, filter_path: '*.cluster.routing.allocation.disk.watermark' },
    });
    const share = (disk: Disk): number => disk.free / disk.size;
    const fullest = Object.values(nodes)
      .map(({ name, fs: { total: bytes } }): Disk => ({
        name,
        free: bytes.available_in_bytes,
        size: bytes.total_in_bytes,
      }))
      .toSorted((a, b) => share(a) - share(b))[0];
    if (fullest === undefined) return reason;
    const { name, free, size } = fullest;
    return `node ${name} has ${free} bytes free (${gibibytes(free)} of ${gibibytes(size)} GiB), its flood-stage watermark is ${floodMark(settings)}.`;
  } catch {
    return reason;
  }
}

interface Disk {
  readonly name: string;
  readonly free: number;
  readonly size: number;
}

function floodMark(settings: Watermarks): string {
  for (const layer of ['transient', 'persistent', 'defaults']) {
    const mark = settings[layer]?.cluster?.routing?.allocation?.disk?.watermark?.['flood_stage'];
    if (mark !== undefined) return mark;
  }
  return 'unknown';
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

interface Explanation {
  readonly allocate_explanation?: string;
  readonly node_allocation_decisions?: readonly {
    readonly deciders?: readonly { readonly decider: string; readonly explanation: string }[];
  }[];
}

/** Why the first copy of an index is on no node; `disk` where the disks are too full for it. */
export async function unassigned(
  ask: Ask,
  index: string,
): Promise<{ readonly disk: boolean; readonly reason: string } | undefined> {
  try {
    const found = await ask<Explanation>({
      method: 'POST',
      path: '/_cluster/allocation/explain',
      body: { index, shard: 0, primary: true },
    });
    const deciders = found.node_allocation_decisions?.flatMap((node) => node.deciders ?? []) ?? [];
    const disk = deciders.find(({ decider }) => decider === 'disk_threshold');
    const reason = (disk ?? deciders[0])?.explanation ?? found.allocate_explanation ?? 'no reason is given';
    return { disk: disk !== undefined, reason };
  } catch {
    return undefined;
  }
}
