import type { Block, Outcome, Ports } from '../ports.ts';
import { projectFolder } from './context.ts';
import { init } from './init.ts';
import { ask } from './search.ts';
import { searchView } from './search-view.ts';
import { up } from './up.ts';
import type { VocabularyOptions } from './vocabulary.ts';

/** Three that show what each arm is for: a synonym, a code, a misspelling. */
const examples = {
  sample: ['heart attack', 'CL-E11', 'miocardial infraction'],
  own: ['heart attack', 'E11.9', 'miocardial infraction'],
} as const;

/** From an empty folder to search results: writes a project, brings the embedded stack up, asks three questions. */
export async function demo(ports: Ports, options: VocabularyOptions): Promise<Outcome> {
  if (options.dryRun === true) {
    const { data, view } = await init(ports, { ...options, env: 'embedded', yes: true });
    return {
      data: { init: data },
      view: [...view.slice(0, 1), 'Would then bring the stack up and search it.'],
    };
  }
  if (options.cwd !== undefined) await ports.files.makeFolder(await folderOf(ports, options));
  await init(ports, { ...options, env: 'embedded', yes: true });
  const brought = await up(ports, { ...options, env: 'embedded' });
  const { url } = brought.data as { url: string };
  const texts = options.vocabulary === undefined ? examples.sample : examples.own;
  const view: Block[] = [...brought.view];
  const answers = [];
  for (const text of texts) {
    const answer = await ask(ports, url, { text, limit: '3' });
    answers.push({ text, hits: answer.hits });
    view.push(...searchView(text, answer));
  }
  const portiere = `${ports.caller.calledAs}${options.cwd === undefined ? '' : ` --cwd ${options.cwd}`}`;
  view.push(
    `Search more:  ${portiere} search "kidney stone"\n` +
      `API:          ${url}/v1/search?q=asthma   (${url}/openapi.json)\n` +
      `Stop:         ${portiere} down`,
  );
  return { data: { ...(brought.data as object), examples: answers }, view };
}

async function folderOf(ports: Ports, options: VocabularyOptions): Promise<string> {
  return await projectFolder(ports, options).catch(() => options.cwd ?? '.');
}
