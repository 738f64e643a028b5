import type { Observed } from '../../plan/converge.ts';
import type { Engine, ImageState, Owned } from '../../ports/engine.ts';
import type { Service } from '../../stack/model.ts';

/** What the engine has for an environment: containers, volumes, networks, and the images of its services. Reads only. */
export async function observe(
  engine: Engine,
  owned: Owned,
  services: readonly Service[],
): Promise<Observed & { readonly images: Readonly<Record<string, ImageState | undefined>> }> {
  const references = [...new Set(services.map(({ image }) => image.reference))];
  const [containers, volumes, networks, ...images] = await Promise.all([
    engine.containers(owned, { all: true }),
    engine.volumes(owned),
    engine.networks(),
    ...references.map(async (reference) => await engine.image(reference)),
  ]);
  const found = references.map((reference, place) => [reference, images[place]] as const);
  return {
    containers,
    volumes,
    networks,
    images: Object.fromEntries(found),
    imageIds: Object.fromEntries(
      found.flatMap(([reference, image]) => (image ? [[reference, image.id]] : [])),
    ),
  };
}
