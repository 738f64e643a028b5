const words = `
  password passwd passphrase supersecret secret changeme change placeholder example default dummy
  sample random strong token admin root letmein welcome qwerty portiere postgres redis elastic
  your replace insert todo fixme test prod production development local project here please with
  this before deploy value
`
  .trim()
  .split(/\s+/u)
  .toSorted((one, other) => other.length - one.length);
const shortWords = /(?:jwt|key|salt|pass|api|the|dev|min|bit|me|my|in|to|is|it|a|x+)/gu;
const knownWord = new RegExp(words.join('|'), 'gu');

/** Whether a text is a stand-in nobody can mean: `<...>`, `your-...`, `sk_live_...`, an example's domain. */
export function isPlaceholder(text: string): boolean {
  return (
    /^<.*>$|^\$\{.*\}$|\.\.\.|…|yourdomain|changeme|change[-_ ]me|replace[-_ ]me/iu.test(text) ||
    /(?:^|[/@,.])your[-_]/iu.test(text)
  );
}

/** Whether a secret is a placeholder, or made of nothing but the words such texts are made of. */
export function isPlaceholderSecret(text: string): boolean {
  if (isPlaceholder(text)) return true;
  const lower = text.toLowerCase().replaceAll(/[^a-z]/gu, '');
  const rest = lower.replaceAll(knownWord, ' ');
  return rest.includes(' ') && rest.replaceAll(' ', '').replaceAll(shortWords, '').length < 4;
}

/**
 * An upper guess of the bits in a secret: its entropy by character frequency, where repeats of the whole and
 * steps to the same or a neighbouring character count for nothing.
 */
export function guessedBits(text: string): number {
  const characters = Array.from(text.slice(0, period(text)));
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bitsEach = 0;
  for (const count of counts.values())
    bitsEach -= (count / characters.length) * Math.log2(count / characters.length);
  const surprising = characters.filter((character, index) => {
    const before = characters[index - 1];
    return (
      before === undefined || Math.abs((character.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0)) > 1
    );
  });
  return bitsEach * surprising.length;
}

/** The length after which a text repeats itself, the last repeat perhaps cut short. */
function period(text: string): number {
  for (let length = 1; length <= text.length / 2; length++) {
    if (text.slice(length) === text.slice(0, text.length - length)) return length;
  }
  return text.length;
}
