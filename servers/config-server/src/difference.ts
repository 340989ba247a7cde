/** What changed between two versions, for people. */
import { createTwoFilesPatch } from 'diff';

export interface Side {
  /** Heads its side of the diff. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * A unified diff.
 * @param patience milliseconds that finding it may take; of two large texts with nothing in common it takes minutes
 * @returns empty when both are the same; a sentence where they are no text; undefined when it takes longer
 */
export function difference(from: Side, to: Side, patience: number): string | undefined {
  if (Buffer.compare(from.content, to.content) === 0) return '';
  const [before, after] = [textOf(from.content), textOf(to.content)];
  if (before === undefined || after === undefined) return `${from.name} and ${to.name} differ, and are no text\n`;
  return createTwoFilesPatch(from.name, to.name, before, after, undefined, undefined, {
    context: 3,
    timeout: patience,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  }) as string | undefined;
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
