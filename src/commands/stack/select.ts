import { isServiceName, type ServiceName } from '../../config/services.ts';
import { PortiereError } from '../../errors.ts';
import type { Service, Stack } from '../../stack/model.ts';

/** Which part of a stack a command is about. */
export interface Selection {
  /** Named services; none: all of them. */
  readonly services?: readonly string[];
  readonly profile?: readonly string[];
}

/** The services a command is about, in the stack's order; SERVICE_UNKNOWN names one that is not there. */
export function selectServices(stack: Stack, { services = [], profile = [] }: Selection): readonly Service[] {
  for (const name of services) knownService(stack, name);
  const inProfile = stack.services.filter(
    (one) => one.profiles.length === 0 || one.profiles.some((name) => profile.includes(name)),
  );
  if (services.length === 0) return inProfile;
  return stack.services.filter(({ name }) => services.includes(name));
}

/** The selected services with all they depend on; one of a profile that was not asked for is no such thing. */
export function withDependencies(
  stack: Stack,
  selected: readonly Service[],
  { profile = [] }: Selection = {},
): readonly Service[] {
  const names = new Set<ServiceName>();
  const add = (name: ServiceName): void => {
    const found = stack.services.find((one) => one.name === name);
    if (found === undefined || names.has(name)) return;
    const off = found.profiles.length > 0 && !found.profiles.some((one) => profile.includes(one));
    if (off && !selected.includes(found)) return;
    names.add(name);
    for (const { service } of found.dependsOn) add(service);
  };
  for (const { name } of selected) add(name);
  return stack.services.filter(({ name }) => names.has(name));
}

/** The service of that name; SERVICE_UNKNOWN lists those there are. */
export function knownService(stack: Stack, name: string): Service {
  const found = stack.services.find((one) => one.name === name);
  if (found !== undefined) return found;
  const external = stack.external.some(({ service }) => service === name);
  const off = isServiceName(name)
    ? external
      ? 'is external: it is not run here'
      : `is off: services.${name} has no image and no build, or is not enabled`
    : 'is no service of this stack';
  throw new PortiereError('SERVICE_UNKNOWN', `${name} ${off}.`, {
    hint: `Services here: ${stack.services.map((one) => one.name).join(', ')}.`,
  });
}
