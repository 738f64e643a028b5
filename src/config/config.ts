import type { BaseEnvironment } from './base-environment.ts';
import type { Minimum } from './document.ts';
import type { Layer } from './layers.ts';
import type { Secret } from './secret.ts';
import type { BaseImages } from './service-layers.ts';
import type { ServiceOverrides } from './services.ts';
import type { SettingName, Settings } from './settings.ts';

/** One value given to a setting: which layer gave it, where exactly, and the text (secrets print redacted). */
export interface Source {
  readonly layer: Layer;
  /** `portiere.config.yaml:7`, `.env:3`, `environment variable API_PORT`, `command line` or `default`. */
  readonly location: string;
  /** Location and key, as problems name it. */
  readonly path: string;
  readonly value: string | Secret;
}

/** What the operator asked for: checked, typed, of one environment. */
export interface Config {
  readonly environment: string;
  /** The environment whose rules and defaults hold: `environment` itself, or what it extends in the end. */
  readonly base: BaseEnvironment;
  readonly chosenBy: 'flag' | 'process' | 'config' | 'default';
  readonly name: string;
  /** The configuration file, where there is one. */
  readonly file: string | undefined;
  readonly settings: Settings;
  /** What differs from the default stack, by service. */
  readonly services: ServiceOverrides;
  readonly images: BaseImages;
  /** Rules that do not hold here, by id, with the reason. */
  readonly waive: Readonly<Record<string, string>>;
  readonly minimum: Minimum;
  /** The service of a running stack that this process is; null outside of one. */
  readonly inside: string | null;
  /** Every value given to a setting, weakest first; the last one holds. */
  readonly provenance: Readonly<Record<SettingName, readonly Source[]>>;
}

/** A configuration that may still have faults: invalid settings are undefined. Every Config is one. */
export type Draft = Omit<Config, 'settings'> & { readonly settings: Partial<Settings> };
