/** Places that grams are spread over; a power of two. */
const PLACES = 512;

/** Says quickly how many grams two words have in common at most, without taking the second apart. */
export interface GramMarks {
  /** Where each of some pairs and triples of letters stands. */
  placesOf(grams: Iterable<string>): Uint16Array;
  /** Marks where the pairs and triples of a word stand, and no others; its distinct ones are at least this many. */
  mark(bounded: string): number;
  /** Of some grams, how many are the marked word's at most. */
  marked(places: Uint16Array): number;
}

export function gramMarks(): GramMarks {
  const marks = new Uint32Array(PLACES);
  let turn = 0;
  let distinct = 0;
  const set = (place: number): void => {
    if (marks[place] === turn) return;
    marks[place] = turn;
    distinct += 1;
  };
  return {
    placesOf: (grams) =>
      Uint16Array.from(grams, (gram) =>
        placeOf(gram.charCodeAt(0), gram.charCodeAt(1), gram.length > 2 ? gram.charCodeAt(2) : 0),
      ),
    mark(bounded) {
      turn += 1;
      distinct = 0;
      let [first, second] = [bounded.charCodeAt(0), bounded.charCodeAt(1)];
      for (let at = 2; at <= bounded.length; at += 1) {
        set(placeOf(first, second, 0));
        if (at === bounded.length) break;
        const third = bounded.charCodeAt(at);
        set(placeOf(first, second, third));
        [first, second] = [second, third];
      }
      return distinct;
    },
    marked(places) {
      let count = 0;
      for (const place of places) if (marks[place] === turn) count += 1;
      return count;
    },
  };
}

/** Any spreading will do: what falls together only makes an estimate larger. */
function placeOf(first: number, second: number, third: number): number {
  return (Math.imul(Math.imul(first, 31) + second, 0x9e3779b1) ^ Math.imul(third, 0x85ebca6b)) >>> 23;
}
