import path from 'node:path';

import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { evaluate as run } from '../../search/eval/evaluate.ts';
import { readQueries } from '../../search/eval/queries.ts';
import { openPublished } from '../../search/index/open.ts';
import { openProject } from '../context.ts';
import { embedderOf } from '../embedder.ts';
import { insideStack } from './inside.ts';

export interface IndexEvalOptions extends GlobalOptions {
  readonly queries: string;
  readonly sample?: number;
}

/** Recall and MRR of the published index, arm by arm, on an operator's own labelled queries. */
export async function evaluate(ports: Ports, options: IndexEvalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const file = path.resolve(ports.caller.cwd, options.queries);
  const all = await readQueries(file);
  const inside = `/input/${path.basename(file)}`;
  const sample = options.sample === undefined ? [] : ['--sample', String(options.sample)];
  const argv = ['index', 'eval', '--queries', inside, ...sample];
  const request = { argv, changes: false, mounts: { [file]: inside } };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const every =
    options.sample === undefined ? 1 : Math.max(1, Math.floor(all.length / Math.max(1, options.sample)));
  const queries = all.filter((_, index) => index % every === 0);
  const embedder = await embedderOf(ports, project);
  const engine = project.config.settings.DENSE_ENGINE;
  const build = await openPublished({ pointer: project.pointer, embedder, engine });
  try {
    const scores = await ports.reporter.step(
      `Evaluate ${build.manifest.id} on ${queries.length} queries, each twice`,
      async (progress) => await run(build, embedder, { queries, progress }),
    );
    const { embedding, id } = build.manifest;
    return {
      data: { build: id, embedding, file, queries: queries.length, scores },
      view: [
        `${path.basename(file)}: ${queries.length} queries, build ${id}, vectors by ${embedding.model} (${embedding.precision})`,
        {
          header: ['noise', 'arm', 'recall@1', 'recall@10', 'MRR'],
          rows: scores.map((score) => [
            score.noise,
            score.arm,
            score.recall_at_1.toFixed(3),
            score.recall_at_10.toFixed(3),
            score.mrr.toFixed(3),
          ]),
        },
      ],
    };
  } finally {
    await build.close();
    await embedder.close();
  }
}
