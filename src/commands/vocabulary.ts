import path from 'node:path';

import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { loadVocabulary } from '../search/populate/load-vocabulary.ts';
import { openBundle } from '../search/vocabulary/bundle.ts';
import { type Inspection, inspectBundle } from '../search/vocabulary/inspect.ts';
import { bundleSource, type VocabularySource } from '../search/vocabulary/source.ts';
import { warnOfUnusable } from './index/publish.ts';
import { openProject, type Project, underLease } from './context.ts';
import { insideStack } from './inside.ts';
import { applyMigrations, withDatabase } from './migrate.ts';
import { requireRoom } from './require-room.ts';
import { thousands } from './thousands.ts';

export interface VocabularyOptions extends GlobalOptions {
  /** `--vocabulary`, or the argument of `vocab inspect | load`. */
  readonly vocabulary?: string;
  /** Comma-separated vocabulary ids. */
  readonly select?: string;
}

/** What a download holds, before anything is done with it. */
export async function inspect(ports: Ports, options: VocabularyOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  const bundle = await openBundle(vocabularyPath(ports, project));
  try {
    const found = await ports.reporter.step(
      `Inspect ${bundle.path}`,
      async (progress) =>
        await inspectBundle(bundle, ({ stage, rows }) => {
          progress.update(rows, undefined, `rows of ${stage}`);
        }),
    );
    return { data: found, view: inspectionView(found) };
  } finally {
    await bundle.close();
  }
}

/** Loads a download into Postgres, replacing the published load in one step. */
export async function load(ports: Ports, options: VocabularyOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  const request = { argv: ['vocab', 'load'], changes: true, ...vocabularyInside(project) };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  if (options.dryRun === true) return await wouldLoad(ports, project);
  return await underLease(ports, project, 'vocab load', async () => {
    const source = await openSource(ports, project, []);
    try {
      await requireRoom(project, source);
      const loaded = await withDatabase(ports, project, 'vocab load', async (database) => {
        await applyMigrations(ports, database);
        return await ports.reporter.step(
          'Load the vocabulary',
          async (progress) => await loadVocabulary(database, source, progress),
        );
      });
      warnOfUnusable(ports, source.label, source.unusable());
      return {
        data: { ...loaded, source: source.label, digest: source.digest, unusable_rows: source.unusable() },
        view: [
          `Loaded ${source.label}: ${thousands(loaded.concepts)} concepts, ` +
            `${thousands(loaded.synonyms)} synonyms, ${thousands(loaded.relationships)} ` +
            `relationships, ${thousands(loaded.ancestors)} ancestor pairs (load ${loaded.build_id}).`,
        ],
      };
    } finally {
      await source.close();
    }
  });
}

async function wouldLoad(ports: Ports, project: Project): Promise<Outcome> {
  const source = await openSource(ports, project, []);
  await source.close();
  const { label, digest, version } = source;
  return {
    data: { would_load: { source: label, digest, version } },
    view: [`Would load ${label} (version ${version ?? 'unknown'}) in place of what is loaded.`],
  };
}

/** The project with `--vocabulary` and `--select` as its strongest layer. */
export async function openProjectFor(ports: Ports, options: VocabularyOptions): Promise<Project> {
  return await openProject(ports, options, {
    VOCABULARY_PATH:
      options.vocabulary === undefined ? undefined : path.resolve(ports.caller.cwd, options.vocabulary),
    VOCABULARIES: options.select,
  });
}

/** The configured download, or the sample that ships with the package. */
export function vocabularyPath(ports: Ports, { config, resolve }: Project): string {
  const configured = config.settings.VOCABULARY_PATH;
  return configured === '' ? path.join(ports.self.templates, 'vocabulary') : resolve(configured);
}

/** The configured download as a source, narrowed to a selection (loads take all of it); close it when done. */
export async function openSource(
  ports: Ports,
  project: Project,
  select: readonly string[],
): Promise<VocabularySource> {
  const bundle = await openBundle(vocabularyPath(ports, project));
  try {
    return await bundleSource(bundle, select);
  } catch (error) {
    await bundle.close();
    throw error;
  }
}

function inspectionView(found: Inspection): Outcome['view'] {
  const rows = found.vocabularies.flatMap(({ vocabulary_id, standard, classification, source }) => [
    ...flagRows(vocabulary_id, 'S', standard),
    ...flagRows(vocabulary_id, 'C', classification),
    ...flagRows(vocabulary_id, '(none)', source),
  ]);
  const n = (value: number | null): string => (value === null ? 'no file' : thousands(value));
  const { suspicions, cpt4, dates } = found;
  const lines = [
    `concepts       ${n(found.concepts)}`,
    `synonyms       ${n(found.synonyms)}`,
    `relationships  ${n(found.relationships)}`,
    `ancestors      ${n(found.ancestors)}`,
    `dates          ${dates === null ? 'none' : `${dates.firstStart} to ${dates.lastStart}, ends up to ${dates.lastEnd}`}`,
    `highest id     ${found.highestId ?? 'none'}`,
    `duplicate ids  ${n(found.duplicateIds)}`,
    `CPT4           ${cpt4.unnamed === 0 ? 'no missing names' : `${n(cpt4.unnamed)} names missing: run cpt4.jar`}`,
  ];
  const doubts = [
    ...suspicions.emptyVocabularies.map(
      (id) => `truncated? VOCABULARY.csv lists ${id}, which has no concept`,
    ),
    ...(suspicions.synonymsOfUnknownConcepts > 0
      ? [`truncated? ${n(suspicions.synonymsOfUnknownConcepts)} synonyms of concepts that are not there`]
      : []),
    ...(suspicions.relationshipsOfUnknownConcepts > 0
      ? [
          `truncated? ${n(suspicions.relationshipsOfUnknownConcepts)} relationships of concepts that are not there`,
        ]
      : []),
    ...found.anomalies.map(
      ({ table, kind, fate, count, samples }) =>
        `${table}: ${n(count)} ${kind} (${fate}), first in line ${samples[0]?.line ?? '?'}`,
    ),
  ];
  return [
    `${found.path} (${found.kind}, version ${found.version ?? 'unknown'})\nsha256 ${found.digest}`,
    { header: ['vocabulary', 'standard', 'concepts', 'invalid'], rows },
    lines.join('\n'),
    {
      header: ['relationship', 'rows'],
      rows: found.relationshipKinds.map(({ relationship_id, rows: count }) => [relationship_id, n(count)]),
    },
    doubts.length === 0 ? 'No anomalies, no sign of truncation.' : doubts.join('\n'),
  ];
}

function flagRows(
  vocabulary: string,
  flag: string,
  counted: { readonly rows: number; readonly invalid: number },
): (string | number)[][] {
  if (counted.rows === 0) return [];
  return [[vocabulary, flag, thousands(counted.rows), thousands(counted.invalid)]];
}

/** The configured download as a job inside a stack finds it: mounted, and named by its path there. */
export function vocabularyInside(
  project: Project,
): { mounts: Record<string, string>; environment: Record<string, string> } | Record<string, never> {
  const given = project.config.settings.VOCABULARY_PATH;
  if (given === '') return {};
  const inside = `/input/${path.basename(given)}`;
  return { mounts: { [project.resolve(given)]: inside }, environment: { VOCABULARY_PATH: inside } };
}
