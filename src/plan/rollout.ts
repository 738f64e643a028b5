/** What is there and what is wanted in an embedded environment. */
export interface UpFacts {
  readonly pendingMigrations: readonly string[];
  /** The configured vocabulary; null where none is configured and one is loaded, which is then kept. */
  readonly wanted: { readonly label: string; readonly digest: string } | null;
  readonly select: readonly string[];
  readonly loaded: { readonly label: string; readonly digest: string } | null;
  readonly published: {
    readonly digest: string;
    readonly select: readonly string[];
    /** Made by the configured model, and in the format that this version reads. */
    readonly usable: boolean;
    /** Its dense index is of the kind and quality that the settings ask for. */
    readonly asWished: boolean;
    readonly model: string;
  } | null;
  readonly model: string;
  readonly server: 'none' | 'gone' | 'running' | 'other-settings';
}

/** What `up` will do: each part's cause, or null where there is nothing to do. */
export interface UpPlan {
  readonly migrate: string | null;
  readonly load: string | null;
  readonly build: string | null;
  readonly stop: string | null;
  readonly start: string | null;
}

/** Decides what `up` does, and why. */
export function planUp(facts: UpFacts): UpPlan {
  const { pendingMigrations, server } = facts;
  return {
    migrate: pendingMigrations.length === 0 ? null : `${pendingMigrations.length} pending`,
    load: loadCause(facts),
    build: buildCause(facts),
    stop: server === 'other-settings' ? 'its settings changed' : null,
    start:
      server === 'running'
        ? null
        : { none: 'not running', gone: 'it was killed or crashed', 'other-settings': 'its settings changed' }[
            server
          ],
  };
}

function loadCause({ wanted, loaded }: UpFacts): string | null {
  if (wanted === null) return null;
  if (loaded === null) return 'none is loaded';
  return wanted.digest === loaded.digest ? null : `${wanted.label} is not what is loaded`;
}

function buildCause({ wanted, loaded, published, select, model }: UpFacts): string | null {
  if (published === null) return 'none is published';
  if (!published.usable) return `published by ${published.model}, wanted ${model}`;
  if (published.digest !== (wanted?.digest ?? loaded?.digest)) return 'the vocabulary changed';
  if (published.select.toSorted().join() !== select.toSorted().join()) return 'the selection changed';
  if (!published.asWished) return 'the settings of the dense index changed';
  return null;
}
