// Weighing options against each other: what a day and a tonne of CO2e are worth
// to the reader turns three numbers into one.

export interface Weighable {
  id: string;
  cost: number; // in the plan's currency
  hours: number; // P50, door to door
  hours90: number;
  co2eKg: number;
  onTime: number; // [0, 1]
}

export interface Worth {
  day: number; // currency per day
  tonne: number; // currency per tonne of CO2e
}

export function weighedTotal(o: Weighable, w: Worth): number {
  return o.cost + (o.hours / 24) * w.day + (o.co2eKg / 1000) * w.tonne;
}

/** ranked sorts by weighed total; ties keep the order given. */
export function ranked<T extends Weighable>(options: readonly T[], w: Worth): T[] {
  return options
    .map((o, i) => ({ o, i, total: weighedTotal(o, w) }))
    .sort((a, b) => a.total - b.total || a.i - b.i)
    .map((x) => x.o);
}

/** beaten: another option is no worse in cost, time and odds and better in one. */
export function beaten(o: Weighable, all: readonly Weighable[]): boolean {
  return all.some(
    (b) =>
      b.id !== o.id &&
      b.cost <= o.cost &&
      b.hours <= o.hours &&
      b.hours90 <= o.hours90 &&
      b.onTime >= o.onTime &&
      (b.cost < o.cost || b.hours < o.hours || b.hours90 < o.hours90 || b.onTime > o.onTime),
  );
}

/** front are the options no other beats on cost and time, fastest first. */
export function front<T extends Weighable>(all: readonly T[]): T[] {
  const sorted = [...all].sort((a, b) => a.hours - b.hours || a.cost - b.cost);
  const out: T[] = [];
  let cheapest = Infinity;
  for (const o of sorted) {
    if (o.cost < cheapest) {
      out.push(o);
      cheapest = o.cost;
    }
  }
  return out;
}

/** chances turns a probability into how many of 20 arrive in time. */
export function chances(p: number): number {
  if (!(p > 0)) return 0;
  // Only certainty fills all dots, only impossibility empties them.
  return Math.min(20, Math.max(0, p >= 0.995 ? 20 : p <= 0.005 ? 0 : Math.min(19, Math.max(1, Math.round(p * 20)))));
}

/** niceStep is a round number near a rough step: 1, 2 or 5 times a power of ten. */
export function niceStep(rough: number): number {
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const f = rough / power;
  return (f < 1.4 ? 1 : f < 3.2 ? 2 : f < 7 ? 5 : 10) * power;
}
