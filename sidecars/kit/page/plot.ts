/** Small plots of the last minutes. */
import { amount } from '../text/amount.ts';
import { h, s, setAttributes, setText } from './dom.ts';

const HEIGHT = 32;
/** Fewest samples for which a plot has room, so that the first ones do not fill it. */
const LEAST = 24;

export interface Plot {
  readonly element: HTMLElement;
  /**
   * Draw it anew.
   * @param period seconds between two values
   * @param scale its top, so that several plots can be compared, and a limit that is drawn where it is below that
   */
  update(values: readonly (number | null)[], period: number, scale?: Scale): void;
}

export interface Scale {
  readonly top: number;
  readonly limit?: number | null | undefined;
}

/**
 * A plot with its name and its latest value.
 * @param name such as `CPU`
 * @param least the top of the scale is never below this
 * @param show a value as text
 */
export function plot(name: string, least: number, show: (value: number) => string): Plot {
  const area = s('path', { class: 'area' });
  const line = s('path', { class: 'line' });
  const bound = s('path', { class: 'limit' });
  const svg = s(
    'svg',
    { role: 'img', 'aria-label': `${name}: no value yet`, preserveAspectRatio: 'none' },
    area,
    line,
    bound,
  );
  const value = h('strong');
  const range = h('small');
  const element = h(
    'figure',
    { class: `plot ${name.toLowerCase()}` },
    h('figcaption', {}, `${name} `, value, range),
    svg,
  );
  return {
    element,
    update(all, period, { top: wanted = 0, limit = null } = { top: 0 }) {
      const begin = Math.max(
        0,
        Math.min(
          all.findIndex((each) => each !== null),
          all.length - LEAST,
        ),
      );
      const values = all.slice(all.every((each) => each === null) ? -LEAST : begin);
      const known = values.filter((each) => each !== null);
      const top = Math.max(least, wanted, ...known);
      const points = values.map((each, index) =>
        each === null ? undefined : `${index} ${(HEIGHT - (each / top) * (HEIGHT - 2) - 1).toFixed(2)}`,
      );
      setAttributes(svg, {
        viewBox: `0 0 ${values.length - 1} ${HEIGHT}`,
        'aria-label': `${name} over the last ${duration(values.length * period)}: now ${known.length > 0 ? show(known.at(-1)!) : 'unknown'}, at most ${show(Math.max(0, ...known))}`,
      });
      setAttributes(line, {
        d: segments(points)
          .map((each) => `M${each.join('L')}`)
          .join(''),
      });
      setAttributes(area, { d: segments(points).map(closed).join('') });
      const height = limit === null || limit > top ? undefined : HEIGHT - (limit / top) * (HEIGHT - 2) - 1;
      setAttributes(bound, { d: height === undefined ? '' : `M0 ${height.toFixed(2)}H${values.length - 1}` });
      setText(value, known.length > 0 ? show(known.at(-1)!) : '–');
      const most = known.length > 0 ? show(Math.max(...known)) : '';
      if (most === '') setText(range, '');
      else if (limit === null) setText(range, `up to ${most} in ${duration(values.length * period)}`);
      else setText(range, `of ${show(limit)}, up to ${most}`);
    },
  };
}

/** What a process or a container used, from the oldest sample to the latest; null where nothing is known. */
export interface History {
  /** Of one processor. */
  readonly cpu_percent: readonly (number | null)[];
  readonly resident_bytes: readonly (number | null)[];
  /** Between two samples. */
  readonly period_seconds: number;
}

/** CPU and memory of one history. */
export function plots(): {
  readonly elements: HTMLElement[];
  update(history: History, cpu?: Scale, memory?: Scale): void;
} {
  const cpu = plot('CPU', 10, (value) => `${value.toFixed(1)} %`);
  const memory = plot('Memory', 1024 * 1024, (value) => bytes(value));
  return {
    elements: [cpu.element, memory.element],
    update({ cpu_percent: percent, resident_bytes: resident, period_seconds: period }, cpuScale, memoryScale) {
      cpu.update(percent, period, cpuScale);
      memory.update(resident, period, memoryScale);
    },
  };
}

/** `812 KiB`, `9.8 MiB`. */
export function bytes(value: number): string {
  const text = amount(value);
  const unit = { m: 'MiB', g: 'GiB' }[text.at(-1)!];
  return unit ? `${text.slice(0, -1)} ${unit}` : `${text} KiB`;
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** Runs of points without a gap. */
function segments(points: readonly (string | undefined)[]): string[][] {
  const all: string[][] = [];
  let open = false;
  for (const point of points) {
    if (point === undefined) open = false;
    else {
      if (!open) all.push([]);
      all.at(-1)!.push(point);
      open = true;
    }
  }
  return all;
}

function closed(points: readonly string[]): string {
  const [first, last] = [points[0]!.split(' ')[0], points.at(-1)!.split(' ')[0]];
  return `M${first} ${HEIGHT}L${points.join('L')}L${last} ${HEIGHT}Z`;
}
