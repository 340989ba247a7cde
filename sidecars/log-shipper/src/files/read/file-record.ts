/** A record of a file, and what is read when it is settled. */
import type { LogRecord } from '../../lines/record.ts';
import type { Carried, Generation } from '../tracked/generation.ts';

/**
 * Thousands of them wait for the store at a time, and each was moved by the garbage collector meanwhile: so it has
 * few members, always the same, and its id is made when it is asked for.
 */
export class FileRecord implements LogRecord {
  readonly generation: Generation;
  /** Where its first line begins in its generation. */
  readonly offset: number;
  /** Where it ends there. */
  readonly end: number;
  readonly body: string;
  readonly bytes: number;
  readonly index: string | undefined;
  /** The beginning of the next generation, when an event went on there. */
  readonly joined: { readonly generation: Generation; readonly end: number } | undefined;

  constructor(
    generation: Generation,
    offset: number,
    { end, joined }: Pick<FileRecord, 'end' | 'joined'>,
    body: string,
    index: string | undefined,
  ) {
    this.generation = generation;
    this.offset = offset;
    this.end = end;
    this.body = body;
    this.bytes = Buffer.byteLength(body);
    this.index = index;
    this.joined = joined;
  }

  get id(): string {
    return this.generation.idAt(this.offset);
  }

  get source(): string {
    return this.generation.home;
  }

  /** The same record, which settles another place. */
  endingAt(place: Pick<FileRecord, 'end' | 'joined'>): FileRecord {
    return new FileRecord(this.generation, this.offset, place, this.body, this.index);
  }
}

/** What is read again of an event whose beginning is in another file: the store knows it by that one's id. */
export class CarriedRecord extends FileRecord {
  readonly #id: string;

  constructor({ generation, offset, end, joined, body }: FileRecord, { id, index }: Carried) {
    super(generation, offset, { end, joined }, body, index);
    this.#id = id;
  }

  override get id(): string {
    return this.#id;
  }
}
