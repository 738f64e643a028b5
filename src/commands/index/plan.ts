import type { Outcome, Ports } from '../../ports.ts';
import { openCache } from '../../search/embed/cache.ts';
import type { Embedder } from '../../search/embed/embedder.ts';
import { planWish } from '../../search/index/dense-plan.ts';
import { embeddingsFolder, publishedBuild } from '../../search/index/publish.ts';
import { type Survey, surveySource } from '../../search/index/survey.ts';
import { graphShape, serverNeeds } from '../../search/stores/graph-shape.ts';
import { serverNames, type VectorStore } from '../../search/stores/vector-store.ts';
import type { DensePlan } from '../../search/vectors/plan.ts';
import type { VocabularySource } from '../../search/vocabulary/source.ts';
import type { Project } from '../context.ts';
import { builderOf } from '../embedder.ts';
import { openProjectFor, vocabularyInside } from '../vocabulary.ts';
import { withSource } from './build.ts';
import type { IndexBuildOptions } from './options.ts';
import { insideStack } from '../inside.ts';
import { vectorServer } from '../vector-server.ts';
import { denseWish, publishedManifest, recipeFor } from './publish.ts';
import { thousands } from '../thousands.ts';

/** Measured on two cores: the lexical file, the id sidecar and the checks, seconds a text. */
const secondsAText = 4e-5;
/** Bytes a text takes in the lexical file. */
const lexicalBytes = 450;

/** What `index build` would do: rows, texts to embed, what it takes in time, memory and on disk, what it would swap. */
export async function plan(ports: Ports, options: IndexBuildOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  const source = options.source === undefined ? [] : ['--source', options.source];
  const request = { argv: ['index', 'plan', ...source], changes: false, ...vocabularyInside(project) };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const embedder = await builderOf(ports, project);
  try {
    return await withSource(ports, project, {
      options,
      work: async (given) => await planOf(ports, project, { source: given, embedder }),
    });
  } finally {
    await embedder.close();
  }
}

interface Parts {
  readonly source: VocabularySource;
  readonly embedder: Embedder;
}

async function planOf(ports: Ports, project: Project, { source, embedder }: Parts): Promise<Outcome> {
  const { survey, rate } = await ports.reporter.step(`Read ${source.label}`, async () => {
    const found = await surveyWithCache(project, { source, embedder });
    return { survey: found, rate: await tryOut(embedder, found.samples) };
  });
  const published = (await publishedBuild(project.pointer)) ?? null;
  const same = (await publishedManifest(project))?.recipe === recipeFor(ports, project, { source, embedder });
  const missing = survey.distinct - survey.kept;
  const { dimension, model, precision } = embedder.identity;
  const dense = planWish(denseWish(project), { count: survey.texts, dimension });
  const server = serverOf(project, { count: survey.texts, dimension });
  const data = {
    source: source.label,
    vocabularies: survey.vocabularies,
    concepts: survey.concepts,
    texts: survey.texts,
    distinct_texts: survey.distinct,
    kept_embeddings: survey.kept,
    to_embed: missing,
    model,
    precision,
    texts_per_second: Math.round(rate),
    seconds: Math.ceil(missing / rate + survey.texts * secondsAText),
    dense,
    vector_server: server,
    disk_bytes: dense.diskBytes + survey.texts * lexicalBytes,
    replaces: published,
    up_to_date: same,
  };
  return { data, view: viewOf(data) };
}

/** The server that would search the vectors, and what a copy of them takes there; null where the file is searched. */
function serverOf(
  { config }: Project,
  shape: { readonly count: number; readonly dimension: number },
): ServerPlan | null {
  const engine = vectorServer(config.settings);
  if (engine === undefined) return null;
  const graph = graphShape(engine, config.settings.DENSE_QUALITY);
  const { memory, disk } = serverNeeds(engine, { ...shape, graph });
  return {
    engine,
    m: graph.m,
    ef_construction: graph.efConstruction,
    memory_bytes: memory,
    disk_bytes: disk,
  };
}

interface ServerPlan {
  readonly engine: VectorStore['engine'];
  readonly m: number;
  readonly ef_construction: number;
  readonly memory_bytes: number;
  readonly disk_bytes: number;
}

async function surveyWithCache(project: Project, { source, embedder }: Parts): Promise<Survey> {
  if (embedder.identity.provider === 'hashing') return await surveySource(source, undefined);
  const cache = await openCache(embeddingsFolder(project.pointer), embedder.identity, { asItIs: true });
  try {
    return await surveySource(source, cache);
  } finally {
    await cache.close();
  }
}

/** Texts a second, here and now; the first calls start the threads. */
async function tryOut(embedder: Embedder, samples: readonly string[]): Promise<number> {
  const some = samples.slice(0, 256);
  if (some.length === 0) return Number.POSITIVE_INFINITY;
  const width = embedder.width ?? 1;
  await Promise.all(Array.from({ length: width }, async () => await embedder.embed(some.slice(0, 8))));
  const start = performance.now();
  await Promise.all(Array.from({ length: width }, async () => await embedder.embed(some)));
  return (some.length * width) / ((performance.now() - start) / 1000);
}

function viewOf(plan: {
  readonly vocabularies: Survey['vocabularies'];
  readonly texts: number;
  readonly distinct_texts: number;
  readonly kept_embeddings: number;
  readonly to_embed: number;
  readonly model: string;
  readonly precision: string;
  readonly texts_per_second: number;
  readonly seconds: number;
  readonly dense: DensePlan;
  readonly vector_server: ServerPlan | null;
  readonly disk_bytes: number;
  readonly replaces: string | null;
  readonly up_to_date: boolean;
}): Outcome['view'] {
  const n = thousands;
  const megabytes = (bytes: number): string => `${n(Math.ceil(bytes / 2 ** 20))} MiB`;
  const { vocabularies, dense, vector_server: server } = plan;
  return [
    {
      header: ['vocabulary', 'standard', 'classification', 'source', 'synonyms'],
      rows: vocabularies.map((row) => [
        row.vocabulary_id,
        n(row.standard),
        n(row.classification),
        n(row.source),
        n(row.synonyms),
      ]),
    },
    [
      `texts     ${n(plan.texts)}, of which ${n(plan.distinct_texts)} different`,
      `to embed  ${n(plan.to_embed)} (${n(plan.kept_embeddings)} are kept from before) with ${plan.model}, ${plan.precision}, ${n(plan.texts_per_second)}/s here`,
      `dense     ${[dense.type, dense.nlist === null ? '' : `nlist ${dense.nlist}`].filter(Boolean).join(', ')}, ${megabytes(dense.memoryBytes)} in memory (${megabytes(dense.buildMemoryBytes)} to build). ${dense.reason}`,
      ...(server === null
        ? []
        : [
            `server    ${serverNames[server.engine]}: a graph (m ${server.m}, ef_construction ${server.ef_construction}), ${megabytes(server.memory_bytes)} of memory and ${megabytes(server.disk_bytes)} on disk for each copy`,
          ]),
      `disk      ${megabytes(plan.disk_bytes)}`,
      `time      about ${n(plan.seconds)} s, without loading Elasticsearch`,
      plan.up_to_date
        ? `swap      none needed: build ${plan.replaces ?? ''} is of the same vocabulary, model and settings`
        : `swap      ${plan.replaces === null ? 'the first build would be published' : `it would replace build ${plan.replaces}`}`,
    ].join('\n'),
  ];
}
