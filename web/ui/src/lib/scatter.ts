// Scales of the cost × time chart. Outliers go to torn margins, so that the
// others keep their differences: one dear option must not flatten the rest.

import { niceStep } from './weigh';

export interface Scale {
  min: number;
  max: number;
  step: number;
  ticks: number[];
  torn: Set<string>;
}

/** scaleFor covers the values whose reach is within 2.2 × the median reach. */
export function scaleFor(values: readonly { id: string; low: number; at: number; high: number }[], ticks: number, fromZero: boolean): Scale {
  const torn = new Set<string>();
  if (!values.length) return { min: 0, max: 1, step: 1, ticks: [0, 1], torn };
  const sorted = [...values].sort((a, b) => a.at - b.at);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!.at;
  if (sorted.length > 2) {
    // From the far end inwards, as long as a gap stands before the value.
    for (let i = sorted.length - 1; i > 1; i--) {
      const v = sorted[i]!;
      if (v.at > 2.2 * median && v.at > 1.6 * sorted[i - 1]!.high) torn.add(v.id);
      else break;
    }
    if (torn.size > Math.floor(sorted.length / 3)) torn.clear();
  }
  const kept = values.filter((v) => !torn.has(v.id));
  const high = Math.max(...kept.map((v) => v.high));
  const low = fromZero ? 0 : Math.min(...kept.map((v) => v.low));
  const step = niceStep(Math.max(1e-9, high - low) / ticks);
  const min = fromZero ? 0 : Math.max(0, Math.floor((low - step * 0.3) / step) * step);
  const max = Math.ceil((high + step * 0.05) / step) * step;
  const out: number[] = [];
  for (let v = min; v <= max + step / 1e6; v += step) out.push(v);
  return { min, max: out.at(-1)!, step, ticks: out, torn };
}
