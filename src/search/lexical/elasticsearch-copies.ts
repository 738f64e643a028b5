/** Copies of an index besides the first: `auto` is one as soon as a second node can hold it. */
export type Copies = 'auto' | number;

/**
 * They are there while an index is loaded, too: with the only copy of a shard, a node that is lost would take what
 * was loaded with it.
 */
export function copySettings(copies: Copies): object {
  return copies === 'auto'
    ? { auto_expand_replicas: '0-1' }
    : { auto_expand_replicas: false, number_of_replicas: copies };
}
