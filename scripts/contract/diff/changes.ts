/**
 * What changed between two contracts, and whether it breaks anyone. Breaking is what can make a
 * compose file, a dashboard or a script that worked with the old contract behave otherwise with the
 * new one.
 */
import type { ContractDocument } from '#kit/contract/contract.ts';
import type { LogFields } from '#kit/contract/logs.ts';
import type { MetricDeclaration } from '#kit/telemetry/metrics.ts';
import { DEFAULT_BUCKETS } from '#kit/telemetry/series.ts';
import type { Change, Impact } from './change.ts';
import { compareParameters } from './parameter-changes.ts';

/**
 * Compare two contracts.
 * @param before as it was published
 * @param after as it is declared now
 */
export function compareContracts(before: ContractDocument, after: ContractDocument): Change[] {
  const { changes, successors } = compareParameters(before.parameters, after.parameters);
  return [
    ...compareTexts('', { name: before.name, user: before.user }, { name: after.name, user: after.user }, 'breaking'),
    ...comparePrefixes(before, after),
    ...changes,
    ...comparePorts(before, after, successors),
    ...compareHealthcheck(before, after),
    ...compareTexts('endpoint', before.endpoints, after.endpoints, 'wording'),
    ...compareMetrics(before, after),
    ...compareLogs(before, after),
    ...compareTexts('path', before.paths, after.paths, 'wording', successors),
    ...compareTexts('signal', before.signals, after.signals, 'breaking'),
    ...compareTexts('exit code', before.exitCodes, after.exitCodes, 'breaking'),
    ...(before.description === after.description
      ? []
      : [{ impact: 'wording' as const, subject: 'description', what: 'says something else' }]),
  ];
}

/** Entries by key: a key that goes breaks, one that comes adds, and another text has the given impact. */
function compareTexts(
  kind: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  impact: Impact,
  successors?: ReadonlyMap<string, string>,
): Change[] {
  const subject = (key: string): string => `${kind} ${key}`.trim();
  const kept = new Set<string>();
  const changes = Object.entries(before).flatMap(([key, text]): Change[] => {
    const now = successors?.get(key) ?? key;
    kept.add(now);
    const there = after[now];
    if (there === undefined) return [{ impact: 'breaking', subject: subject(key), what: 'is gone' }];
    if (there === text) return [];
    return [
      {
        impact,
        subject: subject(key),
        what:
          impact === 'breaking'
            ? `was ${JSON.stringify(text)} and is now ${JSON.stringify(there)}`
            : 'is described otherwise',
      },
    ];
  });
  const added = Object.keys(after).filter((key) => !kept.has(key) && before[key] === undefined);
  return [...changes, ...added.map((key): Change => ({ impact: 'addition', subject: subject(key), what: 'is new' }))];
}

function comparePrefixes(before: ContractDocument, after: ContractDocument): Change[] {
  const claimed = after.prefixes.filter((prefix) => !before.prefixes.some((known) => prefix.startsWith(known)));
  const released = before.prefixes.filter((prefix) => !after.prefixes.some((known) => prefix.startsWith(known)));
  return [
    ...claimed.map((prefix): Change => ({
      impact: 'breaking',
      subject: `prefix ${prefix}`,
      what: 'now belongs to this sidecar: a variable that begins so and is no parameter was ignored and is an error now',
    })),
    ...released.map((prefix): Change => ({
      impact: 'addition',
      subject: `prefix ${prefix}`,
      what: 'no longer belongs to this sidecar',
    })),
  ];
}

function comparePorts(
  before: ContractDocument,
  after: ContractDocument,
  successors: ReadonlyMap<string, string>,
): Change[] {
  const changes = Object.entries(before.ports).flatMap(([name, port]): Change[] => {
    const subject = `port ${name}`;
    const now = after.ports[name];
    if (!now) return [{ impact: 'breaking', subject, what: 'is gone' }];
    const found: Change[] = [];
    if (now.default !== port.default)
      found.push({
        impact: 'breaking',
        subject,
        what: `was ${port.default ?? 'off'} by default and is now ${now.default ?? 'off'}`,
      });
    if (now.parameter !== (successors.get(port.parameter) ?? port.parameter))
      found.push({
        impact: 'breaking',
        subject,
        what: `was moved by ${port.parameter} and is now moved by ${now.parameter}`,
      });
    if (now.description !== port.description)
      found.push({ impact: 'wording', subject, what: 'is described otherwise' });
    return found;
  });
  const added = Object.keys(after.ports).filter((name) => !before.ports[name]);
  return [
    ...changes,
    ...added.map((name): Change => ({ impact: 'addition', subject: `port ${name}`, what: 'is new' })),
  ];
}

/** Contracts from before this was part of them say nothing about it. */
function compareHealthcheck({ healthcheck: before }: Partial<ContractDocument>, after: ContractDocument): Change[] {
  if (before === undefined || before === after.healthcheck) return [];
  const what = `asked for ${before} and now asks for ${after.healthcheck}: the container is healthy at another time`;
  return [{ impact: 'breaking', subject: 'health check', what }];
}

/** Searches and pipelines name members of lines. Contracts from before this was part of them say nothing about it. */
function compareLogs({ logs: before }: Partial<ContractDocument>, { logs: after }: ContractDocument): Change[] {
  if (before === undefined) return [];
  const named = (fields: LogFields = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(fields).map(([name, { ecs, type }]) => [name, `${ecs.join(' and ')}: ${type}`]));
  return [
    ...compareTexts('log member', named(before.own), named(after.own), 'breaking'),
    ...compareTexts('access log member', named(before.access?.fields), named(after.access?.fields), 'breaking'),
  ];
}

/** A bucket is a time series of its own, which dashboards and alerts name by its bound. */
function compareBuckets(subject: string, before: MetricDeclaration, after: MetricDeclaration): Change[] {
  const [old, now] = [bucketsOf(before), bucketsOf(after)];
  const lost = old.filter((bound) => !now.includes(bound));
  const gained = now.filter((bound) => !old.includes(bound));
  const named = (bounds: readonly number[]): string => bounds.map((bound) => `le="${bound}"`).join(', ');
  return [
    ...(lost.length > 0
      ? [
          {
            impact: 'breaking' as const,
            subject,
            what: `no longer has the ${lost.length === 1 ? 'bucket' : 'buckets'} ${named(lost)}`,
            advice: 'keep them, and add what is wanted beside them',
          },
        ]
      : []),
    ...(gained.length > 0
      ? [
          {
            impact: 'addition' as const,
            subject,
            what: `also has the ${gained.length === 1 ? 'bucket' : 'buckets'} ${named(gained)}`,
          },
        ]
      : []),
  ];
}

const bucketsOf = ({ buckets }: MetricDeclaration): readonly number[] => buckets ?? DEFAULT_BUCKETS;

function compareMetrics(before: ContractDocument, after: ContractDocument): Change[] {
  const list = (labels: readonly string[] = []): string => labels.toSorted().join(', ') || 'none';
  const changes = Object.entries(before.metrics).flatMap(([name, metric]): Change[] => {
    const subject = `metric ${name}`;
    const now = after.metrics[name];
    if (!now) return [{ impact: 'breaking', subject, what: 'is gone' }];
    const found: Change[] = [];
    if (now.type !== metric.type)
      found.push({ impact: 'breaking', subject, what: `was a ${metric.type} and is now a ${now.type}` });
    if (list(now.labels) !== list(metric.labels))
      found.push({
        impact: 'breaking',
        subject,
        what: `had the labels ${list(metric.labels)} and now has ${list(now.labels)}`,
        advice: 'add a metric of another name instead, and keep this one',
      });
    if (metric.type === 'histogram' && now.type === 'histogram') found.push(...compareBuckets(subject, metric, now));
    if (now.help !== metric.help) found.push({ impact: 'wording', subject, what: 'is described otherwise' });
    return found;
  });
  const added = Object.keys(after.metrics).filter((name) => !before.metrics[name]);
  return [
    ...changes,
    ...added.map((name): Change => ({ impact: 'addition', subject: `metric ${name}`, what: 'is new' })),
  ];
}
