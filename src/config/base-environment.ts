/** The environments with rules and defaults of their own; any other extends one of them. */
export const baseEnvironments = ['embedded', 'dev', 'test', 'prod'] as const;

export type BaseEnvironment = (typeof baseEnvironments)[number];

/** The environments that run the whole stack, each service in a process of its own. */
export const stackEnvironments = ['dev', 'test', 'prod'] as const satisfies readonly BaseEnvironment[];

/** Whether a name is one of the four environments with rules of their own. */
export function isBaseEnvironment(name: string): name is BaseEnvironment {
  return (baseEnvironments as readonly string[]).includes(name);
}
