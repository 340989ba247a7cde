/** A record of a file, and what is read when it is settled. */
import type { LogRecord } from '../../lines/record.ts';
import type { Carried, TrackedFile } from '../tracked/tracked-file.ts';

/**
 * Thousands of them wait for the store at a time, and each was moved by the garbage collector meanwhile: so it has
 * few members, always the same, and its id is made when it is asked for.
 */
export class FileRecord implements LogRecord {
  readonly tracked: TrackedFile;
  /** Where its first line begins in its tracked file. */
  readonly offset: number;
  /** Where it ends there. */
  readonly end: number;
  readonly body: string;
  readonly bytes: number;
  readonly index: string | undefined;
  /** The beginning of the next tracked file, when an event went on there. */
  readonly joined: { readonly tracked: TrackedFile; readonly end: number } | undefined;

  constructor(
    tracked: TrackedFile,
    offset: number,
    { end, joined }: Pick<FileRecord, 'end' | 'joined'>,
    body: string,
    index: string | undefined,
  ) {
    this.tracked = tracked;
    this.offset = offset;
    this.end = end;
    this.body = body;
    this.bytes = Buffer.byteLength(body);
    this.index = index;
    this.joined = joined;
  }

  get id(): string {
    return this.tracked.idAt(this.offset);
  }

  get source(): string {
    return this.tracked.home;
  }

  /** The same record, which settles another place. */
  endingAt(place: Pick<FileRecord, 'end' | 'joined'>): FileRecord {
    return new FileRecord(this.tracked, this.offset, place, this.body, this.index);
  }
}

/** What is read again of an event whose beginning is in another file: the store knows it by that one's id. */
export class CarriedRecord extends FileRecord {
  readonly #id: string;

  constructor({ tracked, offset, end, joined, body }: FileRecord, { id, index }: Carried) {
    super(tracked, offset, { end, joined }, body, index);
    this.#id = id;
  }

  override get id(): string {
    return this.#id;
  }
}
