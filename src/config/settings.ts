import type { z } from 'zod';
import type { BaseEnvironment } from './base-environment.ts';
import type { Secret } from './secret.ts';
import { apiSettings } from './settings/api.ts';
import { celerySettings, webSettings } from './settings/apps.ts';
import { operationsSettings } from './settings/operations.ts';
import { searchSettings } from './settings/search.ts';
import type { Setting } from './settings/setting.ts';
import {
  elasticsearchSettings,
  milvusSettings,
  postgresSettings,
  redisSettings,
} from './settings/storage.ts';

/** The one table: what can be set, by name; rows of a section lie together, sections in their order. */
export const settingsTable = {
  ...apiSettings,
  ...searchSettings,
  ...postgresSettings,
  ...redisSettings,
  ...elasticsearchSettings,
  ...milvusSettings,
  ...celerySettings,
  ...webSettings,
  ...operationsSettings,
} as const;

type Table = typeof settingsTable;

/** The name of a setting. */
export type SettingName = keyof Table;

type ValueOf<Row extends Setting> = Row extends { secret: true } ? Secret : z.output<Row['kind']['schema']>;

/** Every setting with its typed value; those without a default are undefined where nobody set them. */
export type Settings = {
  readonly [Name in SettingName]: Table[Name] extends { default: string }
    ? ValueOf<Table[Name]>
    : ValueOf<Table[Name]> | undefined;
};

/** Every name of the table, in its order. */
export const settingNames = Object.keys(settingsTable) as SettingName[];

/** Whether a text is the name of a setting. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingsTable, name);
}

/** The row of a setting. */
export function settingRow(name: SettingName): Setting {
  return settingsTable[name];
}

/** The default of a setting in an environment, as text; undefined: none. */
export function defaultOf(name: SettingName, base: BaseEnvironment): string | undefined {
  const row = settingRow(name);
  const special = row.defaults?.[base];
  return special === undefined ? row.default : (special ?? undefined);
}

/** The names by which a secret can be given as a file, such as DB_PASSWORD_FILE. */
export const secretFileNames: ReadonlyMap<string, SettingName> = new Map(
  settingNames.filter((name) => settingRow(name).secret).map((name) => [`${name}_FILE`, name]),
);
