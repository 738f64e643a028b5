import { PortiereError } from '../../errors.ts';
import type { Mount, Service } from '../../stack/model.ts';
import type { Yaml } from '../encode/yaml.ts';
import { mountSize } from './sizes.ts';

/** Volumes, folders and files of a service. */
export function volumeMounts({ mounts }: Service): readonly Yaml[] {
  return mounts.flatMap((mount) => (mount.kind === 'memory' ? [] : [volumeMount(mount)]));
}

function volumeMount(mount: Exclude<Mount, { readonly kind: 'memory' }>): Yaml {
  if (mount.kind === 'volume') {
    const { volume, target, readOnly } = mount;
    return { type: 'volume', source: volume, target, read_only: readOnly ? true : undefined };
  }
  const source = mount.kind === 'rendered' ? `./${mount.file}` : mount.source;
  const readOnly = mount.kind === 'rendered' || mount.readOnly;
  return {
    type: 'bind',
    source,
    target: mount.target,
    read_only: readOnly ? true : undefined,
    // A folder that is missing is a fault to tell, not a thing to make.
    bind: { create_host_path: false },
  };
}

/**
 * Folders in memory, in the short form: the long one has no owner, and the runtime gives a folder the mode it has in
 * the image, so that one of root's could not be written by anybody else.
 */
export function memoryMounts({ mounts, security }: Service): readonly string[] {
  const [user, group] = security.user?.split(':') ?? [];
  const owner = user === undefined ? '' : `,uid=${user},gid=${group ?? user}`;
  return mounts.flatMap((mount) =>
    mount.kind === 'memory'
      ? [`${plainTarget(mount.target)}:size=${mountSize(mount.bytes)},mode=1777${owner}`]
      : [],
  );
}

function plainTarget(target: string): string {
  if (/^\/[\w./-]*$/.test(target)) return target;
  throw new PortiereError('BUG', `A folder in memory cannot be mounted at ${target}.`);
}
