import { z } from 'zod';
import { baseEnvironments } from './base-environment.ts';
import { type ServiceOverrides, servicesSchema } from './services.ts';
import { secretFileNames, settingNames, settingRow, type SettingName } from './settings.ts';

/** The version of the configuration file that this program reads. */
export const configVersion = 1;

export const environmentName = /^[a-z][a-z0-9-]{0,30}$/;
export const projectName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** What a setting may be in a configuration file: a scalar, read like the text of a variable. */
type Scalar = string | number | boolean;

export type SettingBlock = Readonly<Record<string, Scalar>>;

/** The parts of a configuration file that are of the right shape. */
export interface ConfigDocument {
  readonly name?: string;
  readonly environment?: string;
  readonly settings: SettingBlock;
  readonly environments: Readonly<
    Record<
      string,
      { readonly extends?: string; readonly settings: SettingBlock; readonly services?: ServiceOverrides }
    >
  >;
  readonly services: ServiceOverrides;
  /** Rules that do not hold here, by id, with the operator's reason. */
  readonly waive: Readonly<Record<string, string>>;
  readonly minimum: Minimum;
}

/** The oldest Docker engine and Compose that rendered files must work on. */
export interface Minimum {
  readonly engine: string;
  readonly compose: string;
}

export const defaultMinimum: Minimum = { engine: '20.10', compose: '2.22' };
const versionText = z.string().regex(/^\d{1,3}\.\d{1,3}(?:\.\d{1,3})?$/, 'must be a version such as "20.10"');
const reason = z.string().regex(/\S.{7,}/u, 'must be a reason of at least 8 characters');

/** A configuration file that says nothing. */
export const emptyDocument: ConfigDocument = {
  settings: {},
  environments: {},
  services: {},
  waive: {},
  minimum: defaultMinimum,
};

/** The keys of a configuration file and of one of its environments. */
export const documentKeys = [
  '$schema',
  'version',
  'name',
  'environment',
  'settings',
  'services',
  'environments',
  'engine',
  'compose',
  'waive',
] as const;
export const environmentKeys = ['extends', 'settings', 'services'] as const;

/** The structure of a configuration file, strict, with each setting as `schemaOf` gives it. */
export function documentSchema(schemaOf: (name: SettingName) => z.ZodType): z.ZodType {
  const rows = settingNames.filter((name) => settingRow(name).processOnly === undefined);
  const values = rows.map((name) => [name, schemaOf(name).optional()] as const);
  const files = [...secretFileNames].map(
    ([fileName, name]) =>
      [
        fileName,
        z
          .string()
          .meta({ description: `Path of a file that holds ${name}.` })
          .optional(),
      ] as const,
  );
  const settings = z.strictObject(Object.fromEntries([...values, ...files])).meta({
    id: 'settings',
    description: 'Settings of every environment. Secrets belong into .env.<environment>.',
  });
  const environment = z.strictObject({
    extends: z
      .string()
      .regex(environmentName)
      .optional()
      .meta({ description: 'The environment whose rules, defaults and settings this one starts from.' }),
    settings: settings.optional(),
    services: servicesSchema.optional(),
  });
  const minimum = z.strictObject({ minimum: versionText.optional() });
  return z.strictObject({
    $schema: z.string().optional(),
    version: z.literal(configVersion).meta({ description: 'Version of this file format.' }),
    name: z.string().regex(projectName).optional().meta({
      description: "The project's name: lower case letters, digits, - and _; default: the folder's.",
    }),
    environment: z
      .string()
      .regex(environmentName)
      .optional()
      .meta({ description: 'The environment to work on where neither --env nor PORTIERE_ENV names one.' }),
    settings: settings.optional(),
    services: servicesSchema.optional(),
    engine: minimum.optional().meta({
      description: `The oldest Docker engine to render for (default "${defaultMinimum.engine}").`,
    }),
    compose: minimum.optional().meta({
      description: `The oldest Docker Compose to render for (default "${defaultMinimum.compose}").`,
    }),
    waive: z
      .record(z.string().regex(/^[a-z][a-z0-9-]{1,40}$/), reason)
      .optional()
      .meta({
        description: 'Rules that do not hold here, by id, each with the reason.',
      }),
    environments: z
      .record(z.string().regex(environmentName), environment)
      .optional()
      .meta({
        description: `Settings of single environments: ${baseEnvironments.join(', ')}, or others with extends.`,
      }),
  });
}
