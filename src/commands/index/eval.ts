import path from 'node:path';

import { type ErrorCode, PortiereError, type Problem } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { evaluate as measure } from '../../search/eval/evaluate.ts';
import { type NoiseKind, noiseKinds } from '../../search/eval/noise.ts';
import { evalPage } from '../../search/eval/page.ts';
import { readQueries } from '../../search/eval/queries.ts';
import type { EvalReport } from '../../search/eval/report.ts';
import { openPublished } from '../../search/index/open.ts';
import { storedVectors } from '../../search/stores/stored-vectors.ts';
import { elasticsearchWords } from '../../search/lexical/elasticsearch-words.ts';
import { openProject, type Project } from '../context.ts';
import { embedderOf } from '../embedder.ts';
import { fileEngine, withServers } from '../vector-server.ts';
import { evalView } from './eval-view.ts';
import { insideStack } from '../inside.ts';

export interface IndexEvalOptions extends GlobalOptions {
  readonly queries: string;
  readonly sample?: number;
  /** Kinds of noise separated by commas; without it all of them. */
  readonly noise?: string;
  readonly tune?: boolean;
  /** Folder for `eval.json` and `eval.html`. */
  readonly out?: string;
}

/** How well and how fast the published index answers an operator's own labelled queries, arm by arm. */
export async function evaluate(ports: Ports, options: IndexEvalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const noise = noiseOf(options.noise);
  const file = path.resolve(ports.caller.cwd, options.queries);
  // Read here too: what is wrong with it is told before a container is started.
  const queries = await readQueries(file);
  const elsewhere = await reportInside(ports, options, { project, file });
  if (elsewhere?.exitCode !== undefined && elsewhere.exitCode !== 0) return failed(elsewhere, options);
  const report =
    elsewhere === undefined
      ? await reportHere(ports, project, { file, queries, noise, options })
      : (elsewhere.data as EvalReport);
  const written = options.out === undefined ? [] : await writeFiles(ports, options.out, report);
  return { data: report, view: [...evalView(report), ...written] };
}

function noiseOf(list: string | undefined): readonly NoiseKind[] {
  if (list === undefined) return noiseKinds;
  const wanted = list.split(',').map((kind) => kind.trim());
  const unknown = wanted.filter((kind) => !noiseKinds.some((known) => known === kind));
  if (unknown.length === 0) return noiseKinds.filter((kind) => wanted.includes(kind));
  throw new PortiereError('USAGE', `There is no noise called ${unknown.join(', ')}.`, {
    hint: `Choose from: ${noiseKinds.join(',')}`,
  });
}

/** The report by a job of the stack, whose data is in reach there alone; undefined: to be made here. */
async function reportInside(
  ports: Ports,
  options: IndexEvalOptions,
  { project, file }: { readonly project: Project; readonly file: string },
): Promise<Outcome | undefined> {
  const inside = `/input/${path.basename(file)}`;
  const argv = [
    'index',
    'eval',
    '--queries',
    inside,
    ...(options.sample === undefined ? [] : ['--sample', String(options.sample)]),
    ...(options.noise === undefined ? [] : ['--noise', options.noise]),
    ...(options.tune === true ? ['--tune'] : []),
  ];
  const request = { argv, changes: false, mounts: { [file]: inside }, answer: 'data' } as const;
  return await insideStack(ports, options, { project, request });
}

/** What a job said of its failure, as if it had failed here. */
function failed(outcome: Outcome, options: GlobalOptions): Outcome {
  if (options.json === true) return outcome;
  const { code, message, hint, problems } = outcome.data as {
    readonly code?: ErrorCode;
    readonly message?: string;
    readonly hint?: string;
    readonly problems?: readonly Problem[];
  };
  if (code === undefined || message === undefined) return outcome;
  throw new PortiereError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    problems: problems ?? [],
  });
}

interface Asked {
  readonly file: string;
  readonly queries: Awaited<ReturnType<typeof readQueries>>;
  readonly noise: readonly NoiseKind[];
  readonly options: IndexEvalOptions;
}

async function reportHere(
  ports: Ports,
  project: Project,
  { file, queries: all, noise, options }: Asked,
): Promise<EvalReport> {
  const every =
    options.sample === undefined ? 1 : Math.max(1, Math.floor(all.length / Math.max(1, options.sample)));
  const queries = all.filter((_, index) => index % every === 0);
  const embedder = await embedderOf(ports, project);
  try {
    return await withServers(ports, project, async (server, loader) => {
      const { settings } = project.config;
      const elapsed = (): number => ports.clock.elapsed();
      const build = await openPublished({
        pointer: project.pointer,
        embedder,
        engine: fileEngine(settings),
        nprobe: settings.DENSE_NPROBE || undefined,
        efSearch: settings.DENSE_EF_SEARCH || undefined,
        words: server === undefined ? undefined : elasticsearchWords(server, elapsed),
        vectors: loader === undefined ? undefined : storedVectors(loader.store, elapsed),
      });
      try {
        const findings = await ports.reporter.step(
          `Evaluate ${build.manifest.id} on ${queries.length} queries, noise: ${noise.join(', ')}`,
          async (progress) =>
            await measure(build, embedder, { queries, noise, tune: options.tune === true, progress }),
        );
        return {
          format: 1,
          made_at: ports.clock.now().toISOString(),
          portiere: ports.self.version,
          file: path.basename(file),
          queries: queries.length,
          queries_in_file: all.length,
          ...findings,
        };
      } finally {
        await build.close();
      }
    });
  } finally {
    await embedder.close();
  }
}

/** Says where the files are. */
async function writeFiles(ports: Ports, out: string, report: EvalReport): Promise<string[]> {
  const folder = path.resolve(ports.caller.cwd, out);
  const page = path.join(folder, 'eval.html');
  await ports.files.makeFolder(folder);
  await ports.files.write(path.join(folder, 'eval.json'), `${JSON.stringify(report, null, 2)}\n`);
  await ports.files.write(page, evalPage(report));
  return [`Report: ${page} (figures: ${path.join(folder, 'eval.json')})`];
}
