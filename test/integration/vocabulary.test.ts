import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openBundle } from '../../src/search/vocabulary/bundle.ts';
import { inspectBundle } from '../../src/search/vocabulary/inspect.ts';

const download = fileURLToPath(new URL('../../../shared/data/athena-bundle.zip', import.meta.url));

describe.skipIf(!existsSync(download))('the real download (skipped where ../shared/data is absent)', () => {
  it('has every row, without an anomaly', async () => {
    const bundle = await openBundle(download);
    const found = await inspectBundle(bundle);
    await bundle.close();
    const counts = Object.fromEntries(
      found.vocabularies.map(({ vocabulary_id, rows }) => [vocabulary_id, rows]),
    );
    expect(counts).toEqual({ DO: 12_239, ICD10CM: 95_358, MAXO: 1_903, MeSH: 27_455, SYMP: 895 });
    expect(found).toMatchObject({
      concepts: 137_850,
      synonyms: 14_797,
      relationships: 66_299,
      ancestors: 112_899,
      duplicateIds: 0,
      version: 'sample 2026-11',
      suspicions: { emptyVocabularies: [], synonymsOfUnknownConcepts: 0, relationshipsOfUnknownConcepts: 0 },
      anomalies: [],
    });
    const sources = found.vocabularies.find(({ vocabulary_id }) => vocabulary_id === 'ICD10CM');
    expect(sources).toMatchObject({ standard: { rows: 0 }, source: { rows: 95_358 } });
  });

  it('has the digest of its unpacked folder', async ({ skip }) => {
    const folder = await mkdtemp(join(tmpdir(), 'portiere-download-'));
    try {
      execFileSync('unzip', ['-q', download, '-d', folder]);
    } catch {
      await rm(folder, { recursive: true, force: true });
      skip('unzip is not installed');
    }
    const zip = await openBundle(download);
    const unpacked = await openBundle(folder);
    expect(await unpacked.digest()).toBe(await zip.digest());
    await zip.close();
    await rm(folder, { recursive: true, force: true });
  });
});
