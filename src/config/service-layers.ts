import type { Problem } from '../errors.ts';
import type { ConfigDocument } from './document.ts';
import { nearest } from './nearest.ts';
import { lineIn, type ConfigFile } from './schema.ts';
import {
  imageReference,
  isServiceName,
  mergeOverrides,
  ownImageServices,
  type ServiceName,
  serviceNames,
  type ServiceOverrides,
} from './services.ts';

/** Base images that are no service: `node` is what the api image is built on. */
export interface BaseImages {
  readonly node?: string;
}

interface Layers {
  readonly services: ServiceOverrides;
  readonly images: BaseImages;
  readonly problems: readonly Problem[];
}

/** The overrides of every layer: the file's, those of the environments from the ancestor on, PORTIERE_IMAGES on top. */
export function layServices(
  document: ConfigDocument,
  chain: readonly string[],
  imagesFile: ConfigFile | undefined,
): Layers {
  const ofEnvironments = chain.map((name) => document.environments[name]?.services ?? {});
  const { overrides, images, problems } = readImages(imagesFile);
  return {
    services: mergeOverrides([document.services, ...ofEnvironments, overrides]),
    images,
    problems,
  };
}

/** Whether a service of the stack is rendered: not left out, not external, and with an image where it has none of its own. */
export function isOn(services: ServiceOverrides, name: ServiceName): boolean {
  const override = services[name];
  if (override?.enabled === false || override?.external === true) return false;
  if (!(ownImageServices as readonly string[]).includes(name)) return true;
  return override?.image !== undefined || override?.build !== undefined;
}

function readImages(file: ConfigFile | undefined): {
  overrides: ServiceOverrides;
  images: BaseImages;
  problems: Problem[];
} {
  if (file === undefined) return { overrides: {}, images: {}, problems: [] };
  const overrides: Partial<Record<ServiceName, { image: string }>> = {};
  const problems: Problem[] = [];
  let images: BaseImages = {};
  if (typeof file.data !== 'object' || file.data === null || Array.isArray(file.data)) {
    return {
      overrides,
      images,
      problems: [{ path: file.path, reason: 'must map services to image references' }],
    };
  }
  for (const [name, image] of Object.entries(file.data)) {
    const path = `${lineIn(file, [name])} ${name}`;
    if (typeof image !== 'string' || !imageReference.test(image)) {
      problems.push({ path, reason: 'must be an image reference such as postgres:17-bookworm' });
    } else if (isServiceName(name)) overrides[name] = { image };
    else if (name === 'node') images = { node: image };
    else {
      const suggestion = nearest(name, [...serviceNames, 'node']);
      problems.push({
        path,
        reason: 'is no service of the stack',
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    }
  }
  return { overrides, images, problems };
}
