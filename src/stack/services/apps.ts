import type { SettingName } from '../../config/settings.ts';
import type { Service } from '../model.ts';
import { hardened, imageOf, type Making, secret, secretsAsVariables, service } from '../service.ts';

/** Next.js inlines these into the pages at build time, so they are arguments of the build. */
const publicSettings = {
  cloud: ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'NEXT_PUBLIC_API_URL'],
  mapper: ['NEXT_PUBLIC_LIFF_ID', 'NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_API_URL'],
} as const satisfies Readonly<Record<string, readonly SettingName[]>>;

export function cloud(making: Making): Service {
  return app(making, 'cloud', { port: 3000, secrets: ['STRIPE_SECRET_KEY'], variables: [] });
}

export function mapper(making: Making): Service {
  return app(making, 'mapper', {
    port: 3001,
    secrets: ['SUPABASE_SERVICE_ROLE_KEY', 'STRIPE_SECRET_KEY'],
    variables: ['LINE_CHANNEL_ID', 'ADMIN_LINE_USER_IDS'],
  });
}

interface AppParts {
  readonly port: number;
  readonly secrets: readonly SettingName[];
  readonly variables: readonly SettingName[];
}

function app(making: Making, name: 'cloud' | 'mapper', { port, secrets, variables }: AppParts): Service {
  const { config, base } = making;
  const inlined = given(making, publicSettings[name]);
  const image = imageOf(making, name, { buildArguments: inlined });
  const folder = image.build?.context.kind === 'folder' ? image.build.context.path : undefined;
  const held = secrets.filter((key) => config.settings[key] !== undefined);
  return service(making, name, {
    image,
    entrypoint: held.length === 0 ? null : secretsAsVariables,
    command: ['node', 'server.js'],
    environment: {
      NODE_ENV: 'production',
      HOSTNAME: '0.0.0.0',
      PORT: String(port),
      // A page rendered on the server reads them at run time; in the browser the inlined ones hold.
      ...inlined,
      ...given(making, variables),
    },
    secrets: held.map((key) => secret(key)),
    networks: ['front'],
    mounts: [
      { kind: 'memory', target: '/tmp', bytes: 64 * 1024 ** 2 },
      { kind: 'memory', target: '/app/.next/cache', bytes: 128 * 1024 ** 2 },
    ],
    dependsOn: [{ service: 'api', condition: 'healthy' }],
    healthcheck: {
      test: [
        'node',
        '-e',
        `fetch('http://127.0.0.1:${port}/', { redirect: 'manual' }).then((answer) => process.exit(answer.status < 500 ? 0 : 1), () => process.exit(1))`,
      ],
      interval: 5,
      timeout: 5,
      retries: 6,
      startPeriod: 60,
    },
    security: hardened(making, '1000:1000'),
    watch: base === 'dev' && folder !== undefined ? [{ path: folder, target: '/app' }] : [],
  });
}

function given({ config }: Making, names: readonly SettingName[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = config.settings[name];
      if (value === undefined) return [];
      return [[name, Array.isArray(value) ? value.join(',') : String(value)]];
    }),
  );
}
