const units = ['', 'k', 'm', 'g', 't'] as const;

/** Bytes as Compose, the engine and tmpfs read them: the largest unit in which they are whole. */
export function sizeText(bytes: number): string {
  let [value, unit] = [Math.floor(bytes), 0];
  while (value > 0 && value % 1024 === 0 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${value}${units[unit] || 'b'}`;
}

/** Bytes for tmpfs, which knows no unit `b`. */
export function mountSize(bytes: number): string {
  return sizeText(bytes).replace(/b$/, '');
}
