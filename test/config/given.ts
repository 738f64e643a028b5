import type { ConfigInputs } from '../../src/config/layers.ts';
import { parseDotenv } from '../../src/config/dotenv.ts';
import { requireConfig, resolveConfig } from '../../src/config/resolve.ts';
import type { Config } from '../../src/config/config.ts';
import type { Problem } from '../../src/errors.ts';

export interface Given extends Partial<Omit<ConfigInputs, 'file' | 'dotenv' | 'dotenvEnv'>> {
  readonly file?: unknown;
  readonly dotenv?: string;
  readonly dotenvEnv?: string;
}

/** Inputs of a configuration from the little a test cares about: texts of .env files, data of the config file. */
export function given({ file, dotenv, dotenvEnv, ...rest }: Given): ConfigInputs {
  return {
    processEnv: {},
    fallbackName: 'project',
    ...rest,
    ...(file === undefined
      ? {}
      : { file: { path: 'portiere.config.yaml', data: { version: 1, ...(file as object) } } }),
    ...(dotenv === undefined ? {} : { dotenv: parseDotenv(dotenv, '.env') }),
    ...(dotenvEnv === undefined ? {} : { dotenvEnv: parseDotenv(dotenvEnv, '.env.test') }),
  };
}

export function configOf(inputs: Given): Config {
  return requireConfig(resolveConfig(given(inputs)));
}

export function problemsOf(inputs: Given): readonly Problem[] {
  const resolved = resolveConfig(given(inputs));
  return resolved.ok ? [] : resolved.problems;
}

/** A production environment without a fault. */
export const goodProd: Readonly<Record<string, string>> = {
  JWT_SECRET: 'm3Qv8ZrT1xKp7LwN5bYc9HdJ2fGs6AeU4iOo0RtXzWq',
  API_KEY_SALT: 'Zy4Kd0Vn8Xc2Bm6Qw1Er5Tt9Yu3Io7Pa-Sd_FgHjKlM',
  DB_PASSWORD: 'pH7r2Wk9Qx4Vz1Nc8Lt5',
  REDIS_PASSWORD: 'b6Mj3Yf0Ts9Ug2Xd5Ke8',
  ELASTIC_PASSWORD: 'k9Wd4Hq7Rz2Lm6Vp1Bx8',
  CORS_ORIGINS: 'https://cloud.example.org',
  NEXT_PUBLIC_API_URL: 'https://api.example.org',
  NEXT_PUBLIC_SUPABASE_URL: 'https://abcdefgh.supabase.co',
  NEXT_PUBLIC_SUPABASE_ANON_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.abc',
  SUPABASE_SERVICE_ROLE_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.R5k8Zq1Wm7Xv',
  STRIPE_SECRET_KEY: 'sk_live_51H8xYz2eZvKYlo2C9qT4bNw',
  NEXT_PUBLIC_LIFF_ID: '1657000000-AbCdEfGh',
  LINE_CHANNEL_ID: '1657000000',
  ADMIN_LINE_USER_IDS: 'U1234567890,U0987654321',
};
