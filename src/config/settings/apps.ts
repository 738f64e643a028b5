import { brokerUrl, integer, list, modulePath, secretText, text, token, url } from './kind.ts';
import type { SettingRows } from './setting.ts';

export const celerySettings = {
  CELERY_BROKER_URL: {
    section: 'Celery',
    kind: brokerUrl,
    secret: true,
    help: 'Broker of the Celery workers; unset: made from the Redis settings.',
  },
  CELERY_APP: {
    section: 'Celery',
    kind: modulePath,
    default: 'portiere',
    help: 'Python module of the Celery application, as `celery -A` takes it.',
  },
  CELERY_CONCURRENCY: {
    section: 'Celery',
    kind: integer(1, 256),
    default: '4',
    help: 'Tasks one Celery worker runs at once.',
  },
} as const satisfies SettingRows;

export const webSettings = {
  NEXT_PUBLIC_API_URL: {
    section: 'Cloud',
    kind: url(),
    requiredIn: ['prod'],
    neededBy: ['cloud'],
    help: 'Portiere API base URL, as browsers reach it.',
  },
  NEXT_PUBLIC_SUPABASE_URL: {
    section: 'Supabase',
    kind: url(),
    requiredIn: ['prod'],
    neededBy: ['cloud', 'mapper'],
    help: 'Supabase project URL (Cloud and Mapper).',
  },
  NEXT_PUBLIC_SUPABASE_ANON_KEY: {
    section: 'Supabase',
    kind: text({ blank: false }),
    requiredIn: ['prod'],
    neededBy: ['cloud'],
    help: 'Supabase anonymous/public key (Cloud); it reaches every browser.',
  },
  SUPABASE_SERVICE_ROLE_KEY: {
    section: 'Supabase',
    kind: secretText,
    secret: true,
    requiredIn: ['prod'],
    neededBy: ['mapper'],
    help: 'Supabase service role key, server-side (Mapper).',
  },
  STRIPE_SECRET_KEY: {
    section: 'Stripe',
    kind: secretText,
    secret: true,
    requiredIn: ['prod'],
    neededBy: ['cloud', 'mapper'],
    help: 'Stripe secret key for billing (Cloud) and payouts (Mapper).',
  },
  NEXT_PUBLIC_LIFF_ID: {
    section: 'LINE',
    kind: token,
    requiredIn: ['prod'],
    neededBy: ['mapper'],
    help: 'LINE LIFF application ID (Mapper).',
  },
  LINE_CHANNEL_ID: {
    section: 'LINE',
    kind: token,
    requiredIn: ['prod'],
    neededBy: ['mapper'],
    help: 'LINE channel ID for server-side auth (Mapper).',
  },
  ADMIN_LINE_USER_IDS: {
    section: 'LINE',
    kind: list(/^[\w-]+$/u, 'a LINE user id'),
    requiredIn: ['prod'],
    neededBy: ['mapper'],
    help: 'Admin LINE user IDs, comma-separated (Mapper).',
  },
} as const satisfies SettingRows;
