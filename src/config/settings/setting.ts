import type { BaseEnvironment } from '../base-environment.ts';
import type { ServiceName } from '../services.ts';
import type { Kind } from './kind.ts';

/** The groups in which settings are listed, in that order. */
export const sections = [
  'API',
  'Search',
  'PostgreSQL',
  'Redis',
  'Elasticsearch',
  'Milvus',
  'Celery',
  'Cloud',
  'Supabase',
  'Stripe',
  'LINE',
  'Operations',
] as const;

type Section = (typeof sections)[number];

/** One row of the settings table. */
export interface Setting {
  readonly section: Section;
  readonly kind: Kind;
  /** One line, a sentence. */
  readonly help: string;
  /** As text; absent: the setting is unset unless somebody sets it. */
  readonly default?: string;
  /** Where an environment differs from `default`; null: it has none there, so it must be set. */
  readonly defaults?: Readonly<Partial<Record<BaseEnvironment, string | null>>>;
  readonly secret?: true;
  /** Secrets only: `init` makes a random one for these environments. */
  readonly generatedIn?: readonly BaseEnvironment[];
  /** Services that need it: it is required only where one of them is on. */
  readonly neededBy?: readonly ServiceName[];
  readonly requiredIn?: readonly BaseEnvironment[];
  /** Blank is a value like any other, even where the setting is required. */
  readonly mayBeBlank?: true;
  /** The name of the setting that must hold the same value: setting one sets both. */
  readonly pair?: string;
  /** Chosen before any file is read: only the process environment and flags may set it. */
  readonly processOnly?: true;
}

export type SettingRows = Readonly<Record<string, Setting>>;
