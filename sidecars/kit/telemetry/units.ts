/** Units of metrics. */

/** Those that names end in, as Prometheus wants them (https://prometheus.io/docs/practices/naming/#base-units). */
const UNITS = ['seconds', 'milliseconds', 'bytes', 'percent'] as const;
export type Unit = (typeof UNITS)[number];

/** The unit that a metric's name says; undefined where it counts things, or says a state. */
export function unitOf(name: string): Unit | undefined {
  const last = name
    .replace(/_total$/, '')
    .split('_')
    .at(-1);
  return UNITS.find((unit) => unit === last);
}
