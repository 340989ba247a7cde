/**
 * Where runs of lines begin and end that belong together, in files of container runtimes. A run ends where
 * no stream has a piece whose rest is to come; with a pattern for first lines, also where the next line
 * begins an event, or is of another stream.
 */
import type { Chunk } from './chunk.ts';
import { unwrap, type ContainerFormat, type ContainerLine } from './container-line.ts';
import { Splitter, type OnEvent, type Rest } from './splitter.ts';

export class ContainerSplitter extends Splitter {
  readonly format: ContainerFormat;

  /** @param first matches the first line of an event, out of its wrapping; absent, each line is one */
  constructor(format: ContainerFormat, first?: RegExp) {
    super(first);
    this.format = format;
  }

  override get byLine(): boolean {
    return true;
  }

  override split(chunk: Chunk, onEvent: OnEvent): Rest {
    let event = 0;
    let line = 0;
    let before: ContainerLine | undefined;
    const open = new Set<string | undefined>();
    for (let newline = chunk.newline(0); newline !== -1; newline = chunk.newline(line)) {
      const each = unwrap(this.format, chunk.text(line, newline));
      if (this.multiline && open.size === 0 && before !== undefined && this.#parts(before, each)) {
        onEvent(event, line);
        event = line;
      }
      if (each.partial) open.add(each.stream);
      else open.delete(each.stream);
      before = each;
      line = newline + chunk.unit;
      if (!this.multiline && open.size === 0) {
        onEvent(event, line);
        event = line;
      }
    }
    return { event, line };
  }

  /** Of a run that is longer than the buffer, of which no more than its beginning is kept. */
  override findEnd(
    chunk: Chunk,
    inLine: boolean,
  ): { found: number } | { found: undefined; next: number; inLine: boolean } {
    let line = 0;
    for (let newline = chunk.newline(0); newline !== -1; newline = chunk.newline(line)) {
      if (inLine) return { found: newline + chunk.unit };
      const { text, partial } = unwrap(this.format, chunk.text(line, newline));
      if (this.multiline && this.begins(text)) return { found: line };
      line = newline + chunk.unit;
      if (!this.multiline && !partial) return { found: line };
    }
    return { found: undefined, next: inLine ? chunk.whole : line, inLine };
  }

  /** Whether a line is another event than the one before. */
  #parts(before: ContainerLine, { stream, text }: ContainerLine): boolean {
    return stream !== before.stream || this.begins(text);
  }
}
