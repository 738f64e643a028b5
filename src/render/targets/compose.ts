import { isBaseEnvironment } from '../../config/base-environment.ts';
import { PortiereError } from '../../errors.ts';
import type { Stack, Volume } from '../../stack/model.ts';
import { ownLabels } from '../compose/labels.ts';
import { caSecret, composeService } from '../compose/service.ts';
import { mountSize } from '../compose/sizes.ts';
import { emitYaml, escapeCompose, type YamlMap } from '../encode/yaml.ts';
import { withHeader } from '../header.ts';
import type { RenderedFile, Target } from '../target.ts';
import { nginx } from './nginx.ts';

/** The Compose file, the configuration of our own processes inside the stack, and its secrets. */
export const compose: Target = {
  name: 'compose',
  templates: nginx.templates,
  files(stack, sources) {
    const inside: RenderedFile = {
      path: 'api/portiere.config.yaml',
      content: withHeader(stack, '#', emitYaml(insideConfig(stack))),
      mode: 0o644,
    };
    const mounted = [...nginx.files(stack, sources), inside];
    const yaml = emitYaml(composeFile(stack, mounted), escapeCompose);
    const content = withHeader(stack, '#', exceptionsOf(stack) + yaml);
    return [{ path: 'compose.yaml', content, mode: 0o644 }, inside, ...secretFiles(stack)];
  },
};

/** Said on top, so that whoever reads the file need not ask whether it was forgotten. */
function exceptionsOf({ exceptions }: Stack): string {
  return exceptions
    .map(({ service, rule, reason }) => `# ${service} goes without ${exceptionWords[rule]}: ${reason}.\n`)
    .join('');
}

const exceptionWords: Readonly<Record<Stack['exceptions'][number]['rule'], string>> = {
  'read-only-root': 'a read-only root',
  init: 'an init of ours',
  healthcheck: 'a healthcheck',
};

/** In a folder of the owner's alone, and there readable, as whoever a container runs as must read its own. */
function secretFiles({ secrets }: Stack): readonly RenderedFile[] {
  return secrets.map(({ name, content }) => ({ path: `secrets/${name}`, content, mode: 0o444 }));
}

/** Everything else reaches those processes as variables and secrets. */
function insideConfig({ project, environment, base, insideSettings }: Stack): YamlMap {
  return {
    version: 1,
    name: project,
    environment,
    settings: insideSettings,
    environments: isBaseEnvironment(environment) ? undefined : { [environment]: { extends: base } },
  };
}

function composeFile(stack: Stack, mounted: readonly RenderedFile[]): YamlMap {
  const labels = ownLabels(stack);
  const named = (name: string): string => `${stack.namespace}_${name}`;
  return {
    name: stack.namespace,
    services: Object.fromEntries(
      stack.services.map((service) => [service.name, composeService(service, { stack, files: mounted })]),
    ),
    networks: Object.fromEntries(
      stack.networks.map(({ name, internal }) => [
        name,
        { name: named(name), internal: internal ? true : undefined, labels },
      ]),
    ),
    volumes: optional(
      stack.volumes.map((volume) => [volume.name, { name: named(volume.name), ...driverOf(volume), labels }]),
    ),
    secrets: optional([
      ...stack.secrets.map(({ name }) => [name, { file: `./secrets/${name}` }] as const),
      ...caFileOf(stack).map((file) => [caSecret, { file }] as const),
    ]),
  };
}

function driverOf({ memory }: Volume): YamlMap {
  if (memory === null) return {};
  const { bytes, user } = memory;
  return {
    driver: 'local',
    driver_opts: {
      type: 'tmpfs',
      device: 'tmpfs',
      o: `size=${mountSize(bytes)},uid=${user},gid=${user},mode=0700`,
    },
  };
}

function caFileOf({ services }: Stack): readonly string[] {
  const files = new Set(services.flatMap(({ image }) => image.build?.caFile ?? []));
  if (files.size <= 1) return [...files];
  throw new PortiereError('BUG', 'Images are built with different CA bundles.');
}

function optional(entries: readonly (readonly [string, YamlMap])[]): YamlMap | undefined {
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
