/** What was read of a file as records: one for an event; of container runtimes' files, one for each stream's. */
import type { Chunk } from '../../lines/chunk.ts';
import { assemble, unwrap, type ContainerLine } from '../../lines/container-line.ts';
import { ContainerSplitter } from '../../lines/container-splitter.ts';
import { labelMembers, MARGIN, member, type Documents } from '../../lines/document.ts';
import { indexAt, indexOn, isDated, timestampOf } from '../../lines/index-name.ts';
import type { Splitter } from '../../lines/splitter.ts';
import { FileRecord } from './file-record.ts';
import { holeOf } from '../tracked/holes.ts';
import type { TrackedFile } from '../tracked/tracked-file.ts';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export interface RecordsOptions {
  readonly documents: Documents;
  readonly splitter: Splitter;
  /** The most bytes of an event's text. */
  readonly limit: number;
  /** Members of every document, as JSON text with a comma behind each. */
  readonly members: string;
  /** The service's name as such a member, where no label of a container says it. */
  readonly service?: string;
  /** Index or pattern, where it depends on the day or is not the one of all others. */
  readonly index?: string | undefined;
  /** Counts what became no record. */
  readonly skipped: (reason: 'empty' | 'rule', count: number) => void;
  readonly cut: () => void;
}

/** What a document is made of. */
interface Source {
  readonly text: string;
  /** Where its first line begins in its tracked file. */
  readonly offset: number;
  readonly foreign: boolean;
  readonly cut: boolean;
  /** How many characters are left of it then; absent, as many as the limit. */
  readonly kept?: number | undefined;
  /** Members that the line's wrapping tells, as JSON text. */
  readonly members: string;
  /** The time that it tells. */
  readonly time: string | undefined;
}

type Place = Pick<FileRecord, 'end' | 'joined'>;

export class Records {
  readonly #options: RecordsOptions;
  /** Whether the index depends on the day. */
  readonly isDated: boolean;
  /** When the line was read that is at work; undefined while nobody has asked. */
  #readAt: string | undefined;
  readonly #now = (): string => (this.#readAt ??= clock());

  constructor(options: RecordsOptions) {
    this.#options = options;
    this.isDated = options.index !== undefined && isDated(options.index);
  }

  get splitter(): Splitter {
    return this.#options.splitter;
  }

  /**
   * The records of an event, given by its place in a chunk.
   * @param offset where it begins in its tracked file
   */
  make(tracked: TrackedFile, chunk: Chunk, from: number, to: number, offset: number, place: Place): FileRecord[] {
    const { splitter, limit } = this.#options;
    if (splitter instanceof ContainerSplitter)
      return this.#unwrapped(splitter, tracked, chunk, from, to, offset, place);
    const most = limit + 2 * chunk.unit;
    const cut = place.end - offset > most || to - from > most;
    const text = chunk.text(from, cut ? chunk.boundary(Math.min(to, from + limit + MARGIN)) : to);
    const { foreign } = chunk;
    const kept = cut ? chunk.text(from, chunk.boundary(Math.min(to, from + limit))).length : undefined;
    const source = { text, offset, foreign, kept, cut, members: '', time: undefined };
    const record = this.#record(tracked, source, place);
    return record === undefined ? [] : [record];
  }

  /** What several streams have written in turn. The tracked file is past it when the last record is settled. */
  #unwrapped(
    { format, multiline }: ContainerSplitter,
    tracked: TrackedFile,
    chunk: Chunk,
    from: number,
    to: number,
    offset: number,
    place: Place,
  ): FileRecord[] {
    const { limit } = this.#options;
    const lines: { from: number; line: ContainerLine }[] = [];
    let foreign = false;
    let begin = from;
    for (let newline = chunk.newline(begin); newline !== -1 && newline < to; newline = chunk.newline(begin)) {
      lines.push({ from: begin, line: unwrap(format, chunk.text(begin, newline)) });
      foreign ||= chunk.foreign;
      begin = newline + chunk.unit;
    }
    // A last line without its end: of a run that was too long it is only a piece of the wrapping.
    if (begin < to && (lines.length === 0 || place.end === offset + to - from)) {
      lines.push({ from: begin, line: unwrap(format, chunk.text(begin, to)) });
      foreign ||= chunk.foreign;
    }
    const isCut = place.end > offset + to - from;
    const records = assemble(lines, multiline).flatMap((event, at, all) => {
      const { stream, time, attributes } = event.first;
      const long = Buffer.byteLength(event.text) > limit;
      const source = {
        text: long ? event.text.slice(0, limit + MARGIN) : event.text,
        offset: offset + event.from - from,
        foreign,
        cut: long || (isCut && at === all.length - 1),
        members: member('stream', stream) + labelsOf(attributes),
        time,
      };
      return this.#record(tracked, source, { end: offset, joined: undefined }) ?? [];
    });
    const last = records.pop();
    return last === undefined ? [] : [...records, last.endingAt(place)];
  }

  #record(
    tracked: TrackedFile,
    { text: raw, offset, foreign, cut, kept, members: told, time }: Source,
    place: Place,
  ): FileRecord | undefined {
    const { documents, splitter, members, service = '', index } = this.#options;
    let text = raw.slice(0, withoutNewlines(raw, splitter.multiline));
    text = text.slice(holeOf(text));
    if (offset === 0 && text.startsWith('\ufeff')) text = text.slice(1);
    if (text === '') {
      this.#options.skipped('empty', 1);
      return undefined;
    }
    if (cut) this.#options.cut();
    this.#readAt = undefined;
    const body = documents.create(text, {
      members: `${members}${told.includes('"service.name":') ? '' : service}${tracked.members}"log.offset":${offset},${told}`,
      time: time === undefined ? this.#now : () => time,
      cut,
      kept,
      foreign,
      multiline: splitter.multiline,
    });
    if (body === undefined) {
      this.#options.skipped('rule', 1);
      return undefined;
    }
    const stored = this.isDated ? indexOf(index!, body, this.#readAt, tracked.dayOf(offset)) : index;
    return new FileRecord(tracked, offset, place, body, stored);
  }
}

/** What a driver was told to add to each line. */
function labelsOf(attributes: ContainerLine['attributes']): string {
  if (attributes === undefined) return '';
  return labelMembers(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

/**
 * The index of a line: by its own time; without one, by the day on which it was first read.
 * @param readAt when it is read now, where anybody has asked
 */
function indexOf(pattern: string, body: string, readAt: string | undefined, day: string | undefined): string {
  const stamp = timestampOf(body);
  return stamp === readAt && day !== undefined ? indexOn(pattern, day) : indexAt(pattern, stamp);
}

/** Where a text ends without its last newline, or, of several lines, without all newlines at the end. */
function withoutNewlines(text: string, all: boolean): number {
  let end = text.length;
  do {
    if (text.charCodeAt(end - 1) !== NEWLINE) break;
    end -= text.charCodeAt(end - 2) === CARRIAGE_RETURN ? 2 : 1;
  } while (all);
  return end;
}

let lastTime = 0;
let lastText = '';
let count = 0;

/**
 * The time as ISO text, made once a millisecond. Lines that are read in one millisecond count up behind
 * it, so that a viewer shows them in their order.
 */
function clock(): string {
  const now = Date.now();
  if (now !== lastTime) {
    lastTime = now;
    lastText = new Date(now).toISOString().slice(0, -1);
    count = 0;
  }
  return `${lastText}${String(Math.min(count++, 999_999)).padStart(6, '0')}Z`;
}
