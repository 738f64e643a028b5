import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openFeatures } from '../../src/search/features/open.ts';
import { root } from '../support/cli.ts';

const python = ['/usr/bin/python3', 'python3', join(root, '.bench/venv/bin/python')].find(
  (one) => spawnSync(one, ['-c', 'import h5py, numpy']).status === 0,
);
const why = python === undefined ? ' (skipped: no Python with h5py; Debian: apt install python3-h5py)' : '';
const folder = mkdtempSync(join(tmpdir(), 'portiere-features-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(script: string): string {
  const file = join(folder, 'written.h5');
  execFileSync(python ?? '', [
    '-c',
    `import h5py, numpy as np\nfile = h5py.File('${file}', 'w')\n${script}\nfile.close()`,
  ]);
  return file;
}

/** Sum and count of all values, and the first and last of them. */
async function digest(file: string): Promise<{ values: number; sum: number; ends: number[] }> {
  const features = await openFeatures(file);
  let [values, sum, first, last] = [0, 0, Number.NaN, Number.NaN];
  for await (const chunk of features.chunks()) {
    if (values === 0) first = chunk[0] ?? Number.NaN;
    last = chunk.at(-1) ?? Number.NaN;
    values += chunk.length;
    for (const value of chunk) sum += value;
  }
  features.close();
  return { values, sum, ends: [first, last] };
}

describe.skipIf(python === undefined)(`files that h5py writes${why}`, () => {
  const whole = { values: 6_144_000, sum: 0, ends: [1, -1] };
  it.each([
    ['as it does by default', ''],
    ['in chunks', ', chunks=(97, 300)'],
    ['in chunks that guess their size', ', chunks=True'],
    ['packed', ', chunks=(1000, 2048), compression="gzip", compression_opts=1'],
    ['packed, shuffled and summed', ', compression="gzip", shuffle=True, fletcher32=True'],
    ['growing', ', maxshape=(None, 2048)'],
  ])('%s', async (_, options) => {
    const file = write(`
rows = np.resize(np.array([1, -1, 2, -2], "f4"), (3000, 2048)).copy()
rows[:, -1] = -1
rows[:, -2] = 1
rows[:, -4:-2] = [[3, -3]]
file.create_dataset("features", data=rows${options})`);
    expect(await digest(file)).toEqual(whole);
  });

  it('gives the ids of any kind', async () => {
    for (const [ids, expected] of [
      ['data=["a", "é", "日本"], dtype=h5py.string_dtype()', ['a', 'é', '日本']],
      ['data=np.array([b"a", b"bb", b"ccc"])', ['a', 'bb', 'ccc']],
      ['data=np.array([1, 2, 2**63 + 5], "u8")', [1n, 2n, 2n ** 63n + 5n]],
      ['data=np.array([-1, 0, 1], "i4")', [-1n, 0n, 1n]],
    ] as const) {
      const file = write(`file["features"] = np.eye(3, dtype="f4")\nfile.create_dataset("paths", ${ids})`);
      const features = await openFeatures(file);
      expect(features.ids).toEqual(expected);
      features.close();
    }
  });

  it('reads 600 MB in the memory of some chunks', async () => {
    const file = write(`
rows = file.create_dataset("features", (75000, 2048), "f4")
block = np.ones((5000, 2048), "f4")
for start in range(0, 75000, 5000): rows[start:start + 5000] = block`);
    expect(statSync(file).size).toBeGreaterThan(600_000_000);
    const script = `
      const { openFeatures } = await import(${JSON.stringify(join(root, 'src/search/features/open.ts'))});
      const features = await openFeatures(process.argv[1], { normalise: true });
      let rows = 0;
      for await (const chunk of features.chunks()) rows += chunk.length / features.dimension;
      console.log(JSON.stringify({ rows, peak: process.resourceUsage().maxRSS / 1024 }));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script, file], {
      encoding: 'utf8',
    });
    const { rows, peak } = JSON.parse(run.stdout) as { rows: number; peak: number };
    console.log(`peak ${peak.toFixed(0)} MiB`);
    expect(rows).toBe(75_000);
    expect(peak).toBeLessThan(350);
  });

  it('refuses a file that filters which it lacks have packed', async () => {
    const file = write('file.create_dataset("features", data=np.eye(8, dtype="f4"), compression="lzf")');
    await expect(digest(file)).rejects.toMatchObject({ code: 'FEATURES_INVALID' });
  });
});
