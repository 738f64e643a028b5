import type { Ports } from '../../ports.ts';

/** What one step of a build took. */
export interface StageCost {
  readonly stage: string;
  readonly seconds: number;
  /** The most memory that this process held meanwhile, its threads included. */
  readonly peak_bytes: number;
}

/** Measures the steps of a build one after the other. */
export interface Meter {
  /** Begins a step, and ends the one before. */
  begin(stage: string): void;
  /** Ends the last step; gives all of them. */
  end(): readonly StageCost[];
}

const lookEvery = 250;

export function startMeter({ clock, processes }: Ports): Meter {
  const costs: StageCost[] = [];
  let current: { readonly stage: string; readonly start: number; peak: number } | undefined;
  const look = (): void => {
    if (current !== undefined) current.peak = Math.max(current.peak, processes.residentMemory());
  };
  const close = (): void => {
    look();
    if (current === undefined) return;
    const seconds = Number(((clock.elapsed() - current.start) / 1000).toFixed(2));
    costs.push({ stage: current.stage, seconds, peak_bytes: current.peak });
    current = undefined;
  };
  const timer = setInterval(look, lookEvery);
  timer.unref();
  return {
    begin(stage) {
      close();
      current = { stage, start: clock.elapsed(), peak: 0 };
    },
    end() {
      close();
      clearInterval(timer);
      return costs;
    },
  };
}
