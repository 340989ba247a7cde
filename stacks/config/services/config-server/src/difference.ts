/** What changed between two versions, for people. */
import { createTwoFilesPatch } from 'diff';

/** Finding a shortest diff of two large texts that have nothing in common takes minutes. */
const PATIENCE = 500;

export interface Side {
  /** Heads its side of the diff. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * A unified diff.
 * @returns empty when both are the same; a sentence where they are no text or differ too much
 */
export function difference(from: Side, to: Side): string {
  if (Buffer.compare(from.content, to.content) === 0) return '';
  const [before, after] = [textOf(from.content), textOf(to.content)];
  if (before === undefined || after === undefined) return `${from.name} and ${to.name} differ, and are no text\n`;
  const patch = createTwoFilesPatch(from.name, to.name, before, after, undefined, undefined, {
    context: 3,
    timeout: PATIENCE,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  }) as string | undefined;
  return patch ?? `${from.name} and ${to.name} differ too much to be compared\n`;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function textOf(content: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(content);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
