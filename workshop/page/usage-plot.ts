/** The processor time of one container over the last minutes. */
import { plot } from '#kit/page/plot.ts';

const SAMPLES = 60;
/** Seconds between two samples, as the server sends them. */
const PERIOD = 2;

export interface CpuPlot {
  readonly element: HTMLElement;
  add(value: number | null): void;
}

export function cpuPlot(): CpuPlot {
  const drawing = plot('CPU', 10, (value) => `${value.toFixed(1)} %`);
  const values: (number | null)[] = [];
  return {
    element: drawing.element,
    add(value) {
      values.push(value);
      if (values.length > SAMPLES) values.shift();
      drawing.update(values, PERIOD);
    },
  };
}
