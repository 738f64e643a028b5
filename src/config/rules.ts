import type { Problem } from '../errors.ts';
import { type BaseEnvironment, baseEnvironments, stackEnvironments } from './base-environment.ts';
import type { Draft } from './config.ts';
import { Secret, revealed } from './secret.ts';
import { isOn } from './service-layers.ts';
import { type SettingName, settingNames, settingRow } from './settings.ts';
import { guessedBits, isPlaceholder, isPlaceholderSecret } from './weak-secret.ts';
import { isLoopback } from './loopback.ts';

/** A check across settings; invalid ones are undefined in the draft and were reported already. */
type Rule = (draft: Draft) => readonly Problem[];

/** Every rule and the base environments it holds in. */
const rules: readonly { readonly rule: Rule; readonly bases: readonly BaseEnvironment[] }[] = [
  { rule: requiredSettingsAreSet, bases: baseEnvironments },
  { rule: pairsAreEqual, bases: baseEnvironments },
  { rule: vectorsHaveTheirServer, bases: baseEnvironments },
  { rule: heapBoundsAreEqual, bases: stackEnvironments },
  { rule: denseNumbersFitTheirKind, bases: baseEnvironments },
  { rule: portsDoNotCollide, bases: stackEnvironments },
  { rule: tlsHasCertificateAndKey, bases: stackEnvironments },
  { rule: securityHasAPassword, bases: stackEnvironments },
  { rule: wildcardOriginStandsAlone, bases: baseEnvironments },
  { rule: originsAreListed, bases: ['prod'] },
  { rule: dataPortsStayPrivate, bases: ['prod'] },
  { rule: secretsStayOutOfTheConfigFile, bases: ['prod'] },
  { rule: optionalSecretsAreNotBlank, bases: ['prod'] },
  { rule: placeholdersAreReplaced, bases: ['prod'] },
  { rule: secretsAreLongAndRandom, bases: ['prod'] },
  { rule: secretsAreNotRepeated, bases: ['prod'] },
];

/** The problems of every rule that holds in the draft's base environment. */
export function ruleProblems(draft: Draft): readonly Problem[] {
  return rules.flatMap(({ rule, bases }) => (bases.includes(draft.base) ? rule(draft) : []));
}

function requiredSettingsAreSet(draft: Draft): readonly Problem[] {
  return settingNames.flatMap((name) => {
    const { requiredIn, mayBeBlank, pair, neededBy } = settingRow(name);
    if (!requiredIn?.includes(draft.base)) return [];
    // Inside a container of the stack, what the service needs was given to it; the whole was checked outside.
    if (
      neededBy !== undefined &&
      (draft.inside !== null || !neededBy.some((one) => isOn(draft.services, one)))
    )
      return [];
    const text = textOf(draft, name);
    if (text === undefined) {
      // The other name of the pair is reported; one value serves both.
      if (pair !== undefined && name.startsWith('POSTGRES_')) return [];
      return [{ path: name, reason: `is required in ${draft.environment} and not set` }];
    }
    if (text !== '' || mayBeBlank || sourceOf(draft, name)?.layer === 'pair') return [];
    return [{ path: at(draft, name), reason: `is required in ${draft.environment} and blank` }];
  });
}

function pairsAreEqual(draft: Draft): readonly Problem[] {
  return settingNames.flatMap((name) => {
    const { pair } = settingRow(name);
    if (pair === undefined || !name.startsWith('POSTGRES_')) return [];
    const other = pair as SettingName;
    if (textOf(draft, name) === textOf(draft, other)) return [];
    return [
      {
        path: at(draft, name),
        reason: `must be equal to ${other} (${at(draft, other)}); set one of them only`,
      },
    ];
  });
}

function vectorsHaveTheirServer(draft: Draft): readonly Problem[] {
  const { DENSE_ENGINE: engine, MILVUS_URL: milvus = '' } = draft.settings;
  if (engine === 'elasticsearch' && draft.base === 'embedded')
    return [{ path: at(draft, 'DENSE_ENGINE'), reason: 'elasticsearch needs a stack: embedded has none' }];
  return engine === 'milvus' && milvus === ''
    ? [{ path: 'MILVUS_URL', reason: 'must be set where DENSE_ENGINE is milvus' }]
    : [];
}

function heapBoundsAreEqual(draft: Draft): readonly Problem[] {
  const options = draft.settings.ES_JAVA_OPTS;
  if (options === undefined) return [];
  const path = at(draft, 'ES_JAVA_OPTS');
  const bounds = ['-Xms', '-Xmx'].map((flag) => options.split(' ').filter((word) => word.startsWith(flag)));
  const sizes = bounds.map((found) => (found.length === 1 ? heapBytes(found[0]?.slice(4) ?? '') : undefined));
  const [least, most] = sizes;
  if (least === undefined || most === undefined) {
    return [{ path, reason: 'needs -Xms and -Xmx, once each, with a size such as 512m or 2g' }];
  }
  return least === most
    ? []
    : [{ path, reason: '-Xms and -Xmx must be equal, or Elasticsearch refuses to start' }];
}

/** Of 0 each is left to the build; `auto` may become any kind but a graph. */
function denseNumbersFitTheirKind(draft: Draft): readonly Problem[] {
  const { DENSE_INDEX: kind, DENSE_NLIST: lists = 0, DENSE_NPROBE: probes = 0 } = draft.settings;
  if (kind === undefined) return [];
  const inLists = kind === 'auto' || kind.startsWith('IVF');
  const without = (name: 'DENSE_NLIST' | 'DENSE_NPROBE' | 'DENSE_EF_SEARCH', lacks: string): Problem[] =>
    (draft.settings[name] ?? 0) === 0
      ? []
      : [{ path: at(draft, name), reason: `DENSE_INDEX is ${kind}, ${lacks}: leave it at 0` }];
  return [
    ...(inLists ? [] : without('DENSE_NLIST', 'which has no lists')),
    ...(inLists ? [] : without('DENSE_NPROBE', 'which has no lists')),
    ...(kind === 'HNSW' ? [] : without('DENSE_EF_SEARCH', 'and only HNSW has efSearch')),
    ...(inLists && lists > 0 && probes > lists
      ? [
          {
            path: at(draft, 'DENSE_NPROBE'),
            reason: `is ${probes}, and DENSE_NLIST is ${lists}: a search looks into as many lists as there are at most`,
          },
        ]
      : []),
  ];
}

function portsDoNotCollide({ settings, base }: Draft): readonly Problem[] {
  const searchEngines = (settings.ELASTICSEARCH_URL ?? []).map((one) => new URL(one));
  const listeners: readonly (readonly [what: string, host: string | undefined, port: number | undefined])[] =
    [
      ['portiere-cloud', '127.0.0.1', settings.CLOUD_PORT],
      ['portiere-mapper', '127.0.0.1', settings.MAPPER_PORT],
      ['API_PORT', settings.API_HOST, settings.API_PORT],
      // In test the engine picks the ports that are published.
      ...(base === 'test'
        ? []
        : ([
            ['PROXY_HTTP_PORT', settings.PROXY_BIND, settings.PROXY_HTTP_PORT],
            ['PROXY_HTTPS_PORT', settings.PROXY_BIND, settings.PROXY_HTTPS_PORT],
          ] as const)),
      ['DB_PORT', settings.DB_HOST, settings.DB_PORT],
      ['REDIS_PORT', settings.REDIS_HOST, settings.REDIS_PORT],
      ...searchEngines.map(
        ({ hostname, port, protocol }) =>
          ['ELASTICSEARCH_URL', hostname, Number(port) || (protocol === 'https:' ? 443 : 80)] as const,
      ),
    ];
  const taken = new Map<string, string>();
  return listeners.flatMap(([what, host, port]) => {
    if (host === undefined || port === undefined) return [];
    const address = `${isLoopback(host) ? 'this machine' : host}:${port}`;
    const holder = taken.get(address);
    taken.set(address, holder ?? what);
    return holder === undefined
      ? []
      : [{ path: what, reason: `port ${port} is that of ${holder} on the same host` }];
  });
}

function tlsHasCertificateAndKey({ settings }: Draft): readonly Problem[] {
  if ((settings.TLS_CERT ?? '') === '' && (settings.TLS_KEY ?? '') !== '') {
    return [{ path: 'TLS_CERT', reason: 'must be set where TLS_KEY is' }];
  }
  if ((settings.TLS_CERT ?? '') !== '' && (settings.TLS_KEY ?? '') === '') {
    return [{ path: 'TLS_KEY', reason: 'must be set where TLS_CERT is' }];
  }
  return [];
}

function securityHasAPassword(draft: Draft): readonly Problem[] {
  // A key serves with an Elasticsearch of somebody else; our own is started with the password.
  const isOurs = draft.inside === null && draft.services.elasticsearch?.external !== true;
  const names: readonly SettingName[] = isOurs
    ? ['ELASTIC_PASSWORD']
    : ['ELASTIC_PASSWORD', 'ELASTICSEARCH_API_KEY'];
  const isMissing =
    draft.settings['xpack.security.enabled'] && names.every((name) => (textOf(draft, name) ?? '') === '');
  return isMissing
    ? [{ path: 'ELASTIC_PASSWORD', reason: 'must be set where xpack.security.enabled is true' }]
    : [];
}

function wildcardOriginStandsAlone(draft: Draft): readonly Problem[] {
  const origins = draft.settings.CORS_ORIGINS ?? [];
  if (origins.length < 2 || !origins.includes('*')) return [];
  return [
    { path: at(draft, 'CORS_ORIGINS'), reason: '* allows every origin: name it alone, or leave it out' },
  ];
}

function originsAreListed(draft: Draft): readonly Problem[] {
  if (!draft.settings.CORS_ORIGINS?.includes('*')) return [];
  return [{ path: at(draft, 'CORS_ORIGINS'), reason: `${draft.environment} refuses *: list the origins` }];
}

function dataPortsStayPrivate(draft: Draft): readonly Problem[] {
  if (draft.settings.PUBLISH_DATA_PORTS !== true) return [];
  return [
    {
      path: at(draft, 'PUBLISH_DATA_PORTS'),
      reason: `${draft.environment} refuses true`,
      suggestion: 'false',
    },
  ];
}

function secretsStayOutOfTheConfigFile(draft: Draft): readonly Problem[] {
  return setSecrets(draft).flatMap(([name]) => {
    const inFile = draft.provenance[name].filter(({ layer }) => layer === 'config');
    const reason = `a secret: move it to .env.${draft.environment}`;
    return inFile.flatMap(({ path }) => (path.endsWith('_FILE') ? [] : [{ path, reason }]));
  });
}

function optionalSecretsAreNotBlank(draft: Draft): readonly Problem[] {
  return settingNames.flatMap((name) => {
    const { secret, requiredIn } = settingRow(name);
    if (!secret || requiredIn?.includes(draft.base) || textOf(draft, name) !== '') return [];
    return [{ path: at(draft, name), reason: 'is blank: give it a value, or remove it' }];
  });
}

function placeholdersAreReplaced(draft: Draft): readonly Problem[] {
  return settingNames.flatMap((name) => {
    const text = textOf(draft, name) ?? '';
    const isStandIn = settingRow(name).secret ? isPlaceholderSecret(text) : isPlaceholder(text);
    return isStandIn && !isRepeatedByPair(draft, name)
      ? [{ path: at(draft, name), reason: 'is a placeholder' }]
      : [];
  });
}

function secretsAreLongAndRandom(draft: Draft): readonly Problem[] {
  return setSecrets(draft).flatMap(([name, text]) => {
    const least = strength[name];
    if (least === undefined || isPlaceholderSecret(text) || isRepeatedByPair(draft, name)) return [];
    const path = at(draft, name);
    const bytes = new TextEncoder().encode(text).length;
    if (bytes < least.bytes)
      return [{ path, reason: `has ${bytes} bytes; ${draft.environment} needs ${least.bytes}` }];
    return guessedBits(text) < least.bits
      ? [{ path, reason: 'is too regular to be a secret; make a random one' }]
      : [];
  });
}

function secretsAreNotRepeated(draft: Draft): readonly Problem[] {
  const holders = new Map<string, SettingName>();
  return setSecrets(draft).flatMap(([name, text]) => {
    const holder = holders.get(text);
    if (holder === undefined) holders.set(text, name);
    if (holder === undefined || settingRow(name).pair === holder || isRepeatedByPair(draft, name)) return [];
    return [{ path: at(draft, name), reason: `has the value of ${holder}; each secret needs its own` }];
  });
}

const strength: Partial<Record<SettingName, { bytes: number; bits: number }>> = {
  JWT_SECRET: { bytes: 32, bits: 64 },
  API_KEY_SALT: { bytes: 32, bits: 64 },
  DB_PASSWORD: { bytes: 12, bits: 24 },
  POSTGRES_PASSWORD: { bytes: 12, bits: 24 },
  REDIS_PASSWORD: { bytes: 12, bits: 24 },
  ELASTIC_PASSWORD: { bytes: 12, bits: 24 },
};

function setSecrets(draft: Draft): readonly (readonly [SettingName, string])[] {
  return settingNames.flatMap((name) => {
    const value = draft.settings[name];
    return value instanceof Secret ? [[name, value.reveal()] as const] : [];
  });
}

/** POSTGRES_PASSWORD equal to DB_PASSWORD is one secret under two names: reported once. */
function isRepeatedByPair(draft: Draft, name: SettingName): boolean {
  const { pair } = settingRow(name);
  return (
    pair !== undefined &&
    name.startsWith('POSTGRES_') &&
    textOf(draft, name) === textOf(draft, pair as SettingName)
  );
}

function heapBytes(size: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,11})([kmgt]?)$/iu.exec(size) ?? [];
  return digits === undefined
    ? undefined
    : Number(digits) * 1024 ** ' kmgt'.indexOf(unit?.toLowerCase() || ' ');
}

function sourceOf(draft: Draft, name: SettingName): Draft['provenance'][SettingName][number] | undefined {
  return draft.provenance[name].at(-1);
}

function textOf(draft: Draft, name: SettingName): string | undefined {
  const value = sourceOf(draft, name)?.value;
  return value === undefined ? undefined : revealed(value);
}

function at(draft: Draft, name: SettingName): string {
  return sourceOf(draft, name)?.path ?? name;
}
