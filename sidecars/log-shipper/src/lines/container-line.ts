/**
 * Lines of the files that container runtimes write: each is wrapped with its stream and time, and a line
 * that was too long for one is cut into pieces.
 *
 * Sources: Docker's `json-file` driver (`jsonlog` of moby), in which a piece that goes on has no newline at
 * the end of `log`; the CRI logging format of Kubernetes (`kubelet-cri-logging.md`), `TIME STREAM TAGS LOG`,
 * in which `P` is a piece that goes on and `F` the last one.
 */
import { isoTime } from './time.ts';

export type ContainerFormat = 'docker' | 'cri';

/** One line of a file, taken out of its wrapping. */
export interface ContainerLine {
  /** `stdout` or `stderr`; undefined for a line that is not of the format, which is taken as it is. */
  readonly stream: string | undefined;
  /** When the runtime read it, as `@timestamp` wants it. */
  readonly time: string | undefined;
  /** Without the newline that it had. */
  readonly text: string;
  /** Its rest is in the next line of its stream. */
  readonly partial: boolean;
  /** What the driver was told to add: labels and variables. */
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
}

/** Take a line, without its newline, out of its wrapping. */
export function unwrap(format: ContainerFormat, text: string): ContainerLine {
  return (format === 'cri' ? fromCri(text) : fromDocker(text)) ?? plain(text);
}

const plain = (text: string): ContainerLine => ({
  stream: undefined,
  time: undefined,
  text,
  partial: false,
  attributes: undefined,
});

const CRI = /^(\S{20,35}) (stdout|stderr) ([A-Z](?::[^ ]*)?) ?/;

function fromCri(text: string): ContainerLine | undefined {
  const [head, time, stream, tags] = CRI.exec(text) ?? [];
  if (head === undefined) return undefined;
  const at = isoTime(time!);
  if (at === undefined) return undefined;
  return { stream, time: at, text: text.slice(head.length), partial: tags!.startsWith('P'), attributes: undefined };
}

function fromDocker(text: string): ContainerLine | undefined {
  if (!text.startsWith('{"')) return undefined;
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  // A message may be empty, and its member is then left out.
  const { log = '', stream, time, attrs } = entry as Record<string, unknown>;
  if (typeof log !== 'string' || typeof stream !== 'string' || typeof time !== 'string') return undefined;
  return {
    stream,
    time: isoTime(time),
    text: log.replace(/\r?\n$/, ''),
    partial: !log.endsWith('\n'),
    attributes: attrs !== null && typeof attrs === 'object' ? (attrs as Readonly<Record<string, unknown>>) : undefined,
  };
}

/** A line that is whole, or an event of several. */
export interface ContainerEvent {
  /** Where its first line begins. */
  readonly from: number;
  readonly first: ContainerLine;
  readonly text: string;
}

/**
 * The events that are in a run of lines, as `ContainerSplitter` finds it: the pieces of each stream joined,
 * and with a pattern for first lines all that follows one.
 * @param lines with where each begins
 * @param multiline all are one event, but for pieces of other streams between its own
 */
export function assemble(
  lines: Iterable<{ readonly from: number; readonly line: ContainerLine }>,
  multiline: boolean,
): ContainerEvent[] {
  const events: { from: number; first: ContainerLine; texts: string[]; open: boolean }[] = [];
  const last = new Map<string | undefined, (typeof events)[number]>();
  for (const { from, line } of lines) {
    const { stream, text, partial } = line;
    const before = last.get(stream);
    if (before !== undefined && (before.open || multiline)) {
      before.texts.push(before.open ? text : `\n${text}`);
      before.open = partial;
      continue;
    }
    const event = { from, first: line, texts: [text], open: partial };
    events.push(event);
    last.set(stream, event);
  }
  return events.map(({ from, first, texts }) => ({ from, first, text: texts.join('') }));
}
