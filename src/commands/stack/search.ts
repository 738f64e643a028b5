import { exitCodes, PortiereError } from '../../errors.ts';
import type { Outcome, Ports } from '../../ports.ts';
import type { Project } from '../context.ts';
import { type SearchOptions, searchView } from '../search-view.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, ownedBy } from './engine.ts';

/** Asks the search API of a stack from inside its own container: no port has to be open, and no key is needed. */
export async function searchInStack(
  ports: Ports,
  options: SearchOptions,
  project: Project,
): Promise<Outcome> {
  const engine = await connectEngine(ports, options);
  const containers = await engine.containers(ownedBy(project));
  const api = containers.find((one) => one.service === 'api' && isOfTheStack(one));
  if (api === undefined) {
    throw new PortiereError('SERVER_UNREACHABLE', `No api of ${project.config.environment} is running.`, {
      hint: `Start it with: portiere up --env ${project.config.environment}`,
    });
  }
  const argv = ['portiere', 'search', '--json', ...flagsOf(options), '--', options.text];
  const { exitCode, stdout, stderr } = await engine.exec(api.id, argv, {
    timeout: (options.timeout ?? 30) * 1000,
  });
  if (exitCode !== 0) {
    throw new PortiereError(
      exitCode === exitCodes.USAGE ? 'USAGE' : 'SERVER_UNREACHABLE',
      `The search failed inside ${api.name}: ${errorIn(stdout) ?? stderr.trim()}`,
      {
        hint: 'See: portiere health',
      },
    );
  }
  const { data } = JSON.parse(stdout) as { data: Parameters<typeof searchView>[1] };
  return { data, view: searchView(options.text, data) };
}

function flagsOf(options: SearchOptions): readonly string[] {
  const repeated = {
    '--vocabulary-id': options.vocabularyId,
    '--exclude-vocabulary-id': options.excludeVocabularyId,
    '--domain-id': options.domainId,
    '--concept-class-id': options.conceptClassId,
    '--standard-concept': options.standardConcept,
  };
  return [
    ...(options.limit === undefined ? [] : ['--limit', options.limit]),
    ...(options.valid === undefined ? [] : [options.valid ? '--valid' : '--no-valid']),
    ...Object.entries(repeated).flatMap(([flag, values]) => (values ?? []).flatMap((value) => [flag, value])),
  ];
}

function errorIn(stdout: string): string | undefined {
  try {
    return (JSON.parse(stdout) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
