// Layout of the strip, the glyph that tells a journey: bars where it moves,
// hatches where it waits, a tail for what may still happen. Pure geometry; the
// component only draws.

export interface StripSegment {
  kind: 'move' | 'wait';
  mode?: string;
  where?: string;
  hours: number;
}

export interface Axis {
  hours: number; // from the earliest departure to the right edge
  torn: Set<string>; // options that run beyond it
}

export interface AxisInput {
  id: string;
  offsetHours: number; // departure after the earliest one
  p90: number;
}

/** Room right of the last tail, for its dates. */
const room = 1.19;

/** axisFor shares one linear axis; an option longer than 1.8 × the next is torn, but
 * never more than a third of them: an axis serves the many. */
export function axisFor(options: readonly AxisInput[], needByHours?: number): Axis {
  const ends = options.map((o) => ({ id: o.id, end: o.offsetHours + o.p90 })).sort((a, b) => b.end - a.end);
  const torn = new Set<string>();
  const most = Math.max(ends.length > 1 ? 1 : 0, Math.floor(ends.length / 3));
  for (let i = 0; i < most && ends[i]!.end > 1.8 * ends[i + 1]!.end; i++) torn.add(ends[i]!.id);
  let hours = ends[torn.size]?.end ?? 24;
  if (needByHours && needByHours > 0 && needByHours < hours * 1.8) hours = Math.max(hours, needByHours);
  return { hours: hours * room, torn };
}

export interface Box {
  kind: 'move' | 'wait';
  mode?: string;
  where?: string;
  hours: number;
  x: number;
  width: number;
}

export interface StripLayout {
  boxes: Box[];
  p50: number;
  p90: number;
  tear?: { from: number; to: number; mode: string };
}

export function layoutStrip(
  segments: readonly StripSegment[],
  p50: number,
  p90: number,
  pxPerHour: number,
  offsetHours = 0,
  tearAt?: number,
): StripLayout {
  const sum = segments.reduce((s, g) => s + Math.max(0, g.hours), 0);
  // Medians of parts do not add up to the median of the whole: the bar shows the whole.
  const scale = sum > 0 ? p50 / sum : 1;
  const boxes: Box[] = [];
  let x = offsetHours * pxPerHour;
  let tear: StripLayout['tear'];
  for (const s of segments) {
    const width = Math.max(0, s.hours) * scale * pxPerHour;
    if (tearAt !== undefined && x + width > tearAt) {
      const cut = Math.max(0, tearAt - x);
      if (cut > 0) boxes.push({ ...s, x, width: cut });
      tear = { from: tearAt, to: tearAt + 26, mode: s.kind === 'wait' ? 'wait' : (s.mode ?? 'road') };
      break;
    }
    if (width > 0) boxes.push({ ...s, x, width });
    x += width;
  }
  return { boxes: mergeWaits(boxes), p50: (offsetHours + p50) * pxPerHour, p90: (offsetHours + p90) * pxPerHour, tear };
}

/** mergeWaits joins waits at one place that follow each other. */
function mergeWaits(boxes: Box[]): Box[] {
  const out: Box[] = [];
  for (const b of boxes) {
    const last = out.at(-1);
    if (last && last.kind === 'wait' && b.kind === 'wait' && last.where === b.where) {
      last.width += b.width;
      last.hours += b.hours;
    } else out.push({ ...b });
  }
  return out;
}

export interface Label {
  x: number; // middle
  text: string;
}

/** placeLabels keeps the labels of the longest waits that do not touch a neighbour. */
export function placeLabels(
  boxes: readonly Box[],
  text: (b: Box) => string,
  measure: (s: string) => number,
  right: number,
  gap = 8,
): Label[] {
  const taken: [number, number][] = [];
  const out: Label[] = [];
  const waits = boxes.filter((b) => b.kind === 'wait' && b.where).sort((a, b) => b.width - a.width);
  for (const b of waits) {
    const s = text(b);
    const w = measure(s);
    const middle = Math.min(Math.max(b.x + b.width / 2, w / 2), Math.max(w / 2, right - w / 2));
    const from = middle - w / 2 - gap / 2;
    const to = middle + w / 2 + gap / 2;
    if (b.width < 3) continue; // a sliver names nothing
    if (taken.some(([a, z]) => from < z && to > a)) continue;
    taken.push([from, to]);
    out.push({ x: middle, text: s });
  }
  return out.sort((a, b) => a.x - b.x);
}

let canvas: CanvasRenderingContext2D | null | undefined;

/** textWidth measures 11 px text; without a canvas it guesses. */
export function textWidth(s: string, px = 11): number {
  if (canvas === undefined) {
    canvas = typeof document === 'undefined' ? null : document.createElement('canvas').getContext('2d');
  }
  if (!canvas) return [...s].reduce((w, c) => w + (c > '\u2e80' ? px : px * 0.56), 0);
  canvas.font = `400 ${px}px 'IBM Plex Sans', sans-serif`;
  return canvas.measureText(s).width;
}
