import type { Desired } from '../../plan/converge.ts';
import { fieldsOf, hashOf } from '../../render/fingerprint.ts';
import type { RenderedFile } from '../../render/target.ts';
import type { Service } from '../../stack/model.ts';

/** What the containers of the services are to be, with the digests that tell whether they already are. */
export function desiredOf(
  services: readonly Service[],
  files: readonly RenderedFile[],
  replicas: Readonly<Record<string, number>> = {},
): readonly Desired[] {
  return services.map((service) => {
    const fields = fieldsOf(service, files);
    return { service, fields, hash: hashOf(fields), replicas: replicas[service.name] ?? service.replicas };
  });
}
