/** Reading the text that proxies are scraped for; it comes over the network and is read under limits. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** More samples than this of one proxy are left out. */
const MOST_SAMPLES = 20_000;
const MOST_LABELS = 64;

// A label may hold what ends a line for a dot, and not for Prometheus: CR, U+2028, U+2029.
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: \d+)?$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/sy;

/**
 * The samples of some metrics.
 * @param text Prometheus' text format
 * @param wanted names of samples; others are passed over
 */
export function readSamples(text: string, wanted: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const end = line.search(/[{ ]/);
    if (end <= 0 || !wanted.has(line.slice(0, end))) continue;
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    const number = Number(value);
    if (name === undefined || Number.isNaN(number)) continue;
    samples.push({ name, labels: readLabels(labels), value: number });
    if (samples.length === MOST_SAMPLES) break;
  }
  return samples;
}

function readLabels(text: string): Record<string, string> {
  const labels = Object.create(null) as Record<string, string>;
  LABEL.lastIndex = 0;
  for (let count = 0; count < MOST_LABELS; count++) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined) break;
    labels[name] = value!.replaceAll(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}
