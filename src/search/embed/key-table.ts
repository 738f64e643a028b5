/** Bytes of a key: the beginning of a sha256. */
export const keyBytes = 16;

/** Where each of many keys stands: 48 to 96 bytes an entry, so that millions of them fit. */
export interface KeyTable {
  readonly size: number;
  /** Sets the place of a key (a whole number below 2^53); one that is there keeps its first place. */
  add(key: Uint8Array, place: number): void;
  /** The key's place, or -1. */
  find(key: Uint8Array): number;
}

const words = keyBytes / 4;

/** An empty table: open addressing over typed arrays, as keys are evenly spread already. */
export function createKeyTable(): KeyTable {
  let capacity = 1024;
  let keys = new Uint32Array(capacity * words);
  let places = new Float64Array(capacity).fill(-1);
  let size = 0;
  const probe = new Uint32Array(words);
  const probeBytes = new Uint8Array(probe.buffer);

  /** The slot that holds the probed key, or the free one where it belongs. */
  const slot = (): number => {
    for (let at = (probe[0]! & (capacity - 1)) >>> 0; ; at = (at + 1) & (capacity - 1)) {
      if (places[at] === -1) return at;
      const start = at * words;
      let word = 0;
      while (word < words && keys[start + word] === probe[word]) word += 1;
      if (word === words) return at;
    }
  };
  const put = (place: number): void => {
    const at = slot();
    if (places[at] !== -1) return;
    keys.set(probe, at * words);
    places[at] = place;
    size += 1;
  };
  const grow = (): void => {
    const [oldKeys, oldPlaces] = [keys, places];
    capacity *= 2;
    keys = new Uint32Array(capacity * words);
    places = new Float64Array(capacity).fill(-1);
    size = 0;
    for (const [at, place] of oldPlaces.entries()) {
      if (place === -1) continue;
      probe.set(oldKeys.subarray(at * words, (at + 1) * words));
      put(place);
    }
  };
  return {
    get size() {
      return size;
    },
    add(key, place) {
      if (size * 2 >= capacity) grow();
      probeBytes.set(key);
      put(place);
    },
    find(key) {
      probeBytes.set(key);
      return places[slot()]!;
    },
  };
}
