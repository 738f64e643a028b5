/** A directive with its words, and the directives of its block where it has one. */
export interface Directive {
  readonly words: readonly string[];
  readonly block: readonly Directive[] | undefined;
}

/** Reads a configuration as nginx's own lexer does: quotes, escapes and comments, `;`, `{` and `}`. */
export function parseNginx(text: string): readonly Directive[] {
  const tokens = [
    ...text.matchAll(/#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]|(?:\\.|[^\s;{}"'])[^\s;{]*/gs),
  ]
    .map(([token]) => token)
    .filter((token) => !token.startsWith('#'));
  let at = 0;
  const block = (depth: number): Directive[] => {
    const directives: Directive[] = [];
    let words: string[] = [];
    while (at < tokens.length) {
      const token = tokens[at++] ?? '';
      if (token === '}') {
        if (depth === 0 || words.length > 0) throw new Error('a } too many');
        return directives;
      }
      if (token === ';') directives.push({ words, block: undefined });
      else if (token === '{') directives.push({ words, block: block(depth + 1) });
      else words = [...words, /^["']/.test(token) ? token.slice(1, -1) : token];
      if (token === ';' || token === '{') words = [];
    }
    if (depth > 0 || words.length > 0) throw new Error('an end in the middle');
    return directives;
  };
  return block(0);
}

/** A server block in the words of the model. */
export interface ParsedServer {
  readonly listen: string;
  readonly names: readonly string[];
  /** `http://api:8000`, with what `set` put into the variable. */
  readonly target: string | undefined;
  readonly returns: string | undefined;
  readonly secure: boolean;
}

export function serversIn(directives: readonly Directive[]): readonly ParsedServer[] {
  const http = directives.find(({ words }) => words[0] === 'http')?.block ?? [];
  return http.filter(({ words }) => words[0] === 'server').map(({ block = [] }) => serverOf(block));
}

function serverOf(block: readonly Directive[]): ParsedServer {
  // What holds for one address alone is not what the server does.
  const exact = (words: readonly string[]): boolean => words[0] === 'location' && words[1] === '=';
  const inner = [...block, ...block.flatMap((one) => (exact(one.words) ? [] : (one.block ?? [])))];
  const valueOf = (name: string): readonly string[] =>
    inner.find(({ words }) => words[0] === name)?.words.slice(1) ?? [];
  const backend = inner.find(({ words }) => words[0] === 'set' && words[1] === '$backend')?.words[2];
  const [pass] = valueOf('proxy_pass');
  const listen = valueOf('listen');
  return {
    listen: listen[0] ?? '',
    names: valueOf('server_name'),
    target: pass?.replace('$backend', backend ?? '?'),
    returns: valueOf('return').join(' ') || undefined,
    secure: listen.includes('ssl'),
  };
}
