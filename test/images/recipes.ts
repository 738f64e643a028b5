import { elasticsearchIdentity, elasticsearchParts, type ElasticsearchMajor } from './elasticsearch.ts';
import type { Machine } from './machine.ts';
import { nodeIdentity, nodeParts } from './node.ts';

/** A big file or folder that is not in the checkout: where it lies, and its place in the build context. */
export interface Part {
  readonly from: string;
  readonly to: string;
}

/** One image: its folder here, what it is built on, and the names under which a stack asks for it. */
export interface Recipe {
  readonly name: string;
  readonly folder: string;
  readonly on: { readonly argument: string; readonly image: string };
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly serves: readonly string[];
  /** Stands for the parts in the tag; cheap, and fetches nothing. */
  readonly identify: (machine: Machine) => Promise<string>;
  /** Fetches the parts where they are not there yet. */
  readonly parts: (machine: Machine) => Promise<readonly Part[]>;
}

export interface RecipeChoice {
  readonly elasticsearch: ElasticsearchMajor;
}

/** Every image but the base, in build order: an image comes after the one it is built on. */
export function recipes({ elasticsearch }: RecipeChoice): readonly Recipe[] {
  return [
    onBase('node', { identify: nodeIdentity, parts: nodeParts }),
    onBase('postgres'),
    onBase('redis'),
    onBase('nginx', { serves: ['proxy'] }),
    onBase('celery', { serves: ['celery-worker', 'celery-beat'] }),
    app('cloud', 'Portiere Cloud'),
    app('mapper', 'Portiere Mapper'),
    onBase('elasticsearch', {
      identify: (machine) => elasticsearchIdentity(machine, elasticsearch),
      parts: (machine) => elasticsearchParts(machine, elasticsearch),
    }),
  ];
}

function onBase(name: string, more: Partial<Recipe> = {}): Recipe {
  return {
    name,
    folder: name,
    on: { argument: 'BASE_IMAGE', image: 'base' },
    buildArguments: {},
    serves: [name],
    identify: async () => '',
    parts: async () => [],
    ...more,
  };
}

function app(name: string, title: string): Recipe {
  return {
    ...onBase(name),
    folder: 'app',
    on: { argument: 'NODE_IMAGE', image: 'node' },
    buildArguments: { APP_NAME: title, NEXT_PUBLIC_API_URL: 'https://api.portiere.test' },
  };
}
