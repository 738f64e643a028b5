import { html, type Markup } from './html.ts';
import { type Arm, arms, type Gain } from './report.ts';

export interface BarGroup {
  readonly label: string;
  readonly values: Readonly<Record<Arm, number>>;
  /** Drawn as a dashed line over the group. */
  readonly union?: number;
}

export interface BarChart {
  /** Read out in place of the picture. */
  readonly name: string;
  readonly groups: readonly BarGroup[];
  /** The value at the upper edge. */
  readonly top: number;
  readonly written: (value: number) => string;
}

const size = { width: 320, height: 172, left: 26, right: 4, above: 14, below: 18 };

/** Upright bars, one for each arm in each group, with their values on them. */
export function barChart({ name, groups, top, written }: BarChart): Markup {
  const { width, height, left, right, above, below } = size;
  const floor = height - below;
  const y = (value: number): number => floor - (Math.min(value, top) / top) * (floor - above);
  const step = (width - left - right) / Math.max(1, groups.length);
  const bar = Math.min(22, (step - 10) / arms.length);
  const lines = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      html`<line
          class="grid"
          x1="${left}"
          x2="${width - right}"
          y1="${n(y(share * top))}"
          y2="${n(y(share * top))}"
        />
        <text x="${left - 4}" y="${n(y(share * top) + 3)}" text-anchor="end">${written(share * top)}</text>`,
  );
  const drawn = groups.map(({ label, values, union }, at) => {
    const middle = left + step * (at + 0.5);
    const start = middle - (bar * arms.length) / 2;
    const bars = arms.map((arm, index) => {
      const value = values[arm];
      const x = start + index * bar;
      return html`<rect
          class="${arm}"
          x="${n(x + 0.5)}"
          y="${n(y(value))}"
          width="${n(bar - 1)}"
          height="${n(floor - y(value))}"
        />
        <text class="value" x="${n(x + bar / 2)}" y="${n(y(value) - 3)}" text-anchor="middle"
          >${written(value)}</text
        >`;
    });
    const over =
      union === undefined
        ? []
        : [
            html`<line
              class="union"
              x1="${n(start - 3)}"
              x2="${n(start + bar * arms.length + 3)}"
              y1="${n(y(union))}"
              y2="${n(y(union))}"
            />`,
          ];
    return html`${over}${bars}<text x="${n(middle)}" y="${height - 5}" text-anchor="middle">${label}</text>`;
  });
  const told = groups.map(
    ({ label, values }) => `${label}: ${arms.map((arm) => `${arm} ${written(values[arm])}`).join(', ')}`,
  );
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${`${name}. ${told.join('; ')}`}">
    ${lines}${drawn}
  </svg>`;
}

/** An interval about its middle on a line from -`reach` to `reach`, zero in the middle. */
export function intervalMark({ difference, low, high, verdict }: Gain, reach: number): Markup {
  const x = (value: number): string => n(60 + (Math.max(-reach, Math.min(reach, value)) / reach) * 56);
  return html`<svg viewBox="0 0 120 14" aria-hidden="true">
    <line class="zero" x1="60" x2="60" y1="0" y2="14" />
    <line class="${verdict}" stroke-width="2" x1="${x(low)}" x2="${x(high)}" y1="7" y2="7" />
    <circle class="${verdict}" cx="${x(difference)}" cy="7" r="3" />
  </svg>`;
}

/** A small bar for each arm, lying, from 0 to 1. */
export function smallBars(values: Readonly<Record<Arm, number>>): Markup {
  const bars = arms.map(
    (arm, at) => html`<rect class="${arm}" x="0" y="${at * 6}" width="${n(values[arm] * 120)}" height="5" />`,
  );
  return html`<svg viewBox="0 0 120 17" aria-hidden="true">${bars}</svg>`;
}

function n(value: number): string {
  return String(Number(value.toFixed(1)));
}
