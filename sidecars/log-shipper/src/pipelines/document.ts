/** A YAML document as a tree of lists, mappings and texts, each with the line that it is on. */
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException, type Event } from 'js-yaml';

/** A list of mappings with lists needs three levels. */
const DEPTH_MAX = 10;

interface Text {
  readonly kind: 'text';
  readonly line: number;
  readonly text: string;
  /** Nothing is written there, or `null`. */
  readonly absent: boolean;
}
interface List {
  readonly kind: 'list';
  readonly line: number;
  readonly items: Node[];
}
interface Mapping {
  readonly kind: 'mapping';
  readonly line: number;
  /** Keys and values in turn, as they are written. */
  readonly items: Node[];
}
interface Alias {
  readonly kind: 'alias';
  readonly line: number;
}
export type Node = Text | List | Mapping | Alias;

/** The text is not one YAML document; the message is the end of a sentence. */
export class NotYaml extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * Parse a document. Scalars stay the text that was written; aliases are not followed, so that the tree is no
 * larger than the text.
 * @returns its content; undefined when there is none
 * @throws {NotYaml} with the place of the first mistake
 */
export function parseTree(text: string): Node | undefined {
  const source = text.replace(/^\ufeff/, '');
  try {
    return treeOf(source, parseEvents(source, { maxDepth: DEPTH_MAX }));
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new NotYaml((error.mark?.line ?? 0) + 1, `is not YAML: ${error.reason.split('\n')[0]}`);
  }
}

function treeOf(source: string, events: readonly Event[]): Node | undefined {
  const lineAt = lineCounter(source);
  const roots: Node[] = [];
  /** Lists and mappings that are open; for the document, where its content goes. */
  const open: Node[][] = [];
  for (const event of events) {
    const into = open.at(-1) ?? roots;
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        open.push(roots);
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const kind = event.type === EVENT_ID.SEQUENCE ? 'list' : 'mapping';
        const node = { kind, line: lineAt(event.start), items: [] } as List | Mapping;
        into.push(node);
        open.push(node.items);
        break;
      }
      case EVENT_ID.SCALAR: {
        const value = getScalarValue(source, event);
        const absent = event.style === SCALAR_STYLE.PLAIN && /^(?:~|null|Null|NULL)?$/.test(value);
        into.push({ kind: 'text', line: lineAt(event.valueStart), text: value, absent });
        break;
      }
      case EVENT_ID.ALIAS:
        into.push({ kind: 'alias', line: lineAt(event.anchorStart) });
        break;
      case EVENT_ID.POP:
        open.pop();
    }
    if (roots.length > 1) throw new NotYaml(roots[1]!.line, 'begins a second document; accepted is one');
  }
  return roots[0];
}

/** The line of a place, from 1; of what is not written (-1), that of the place before. Places only grow. */
function lineCounter(source: string): (at: number) => number {
  let line = 1;
  let counted = 0;
  return (at) => {
    for (; counted < at; counted++) if (source[counted] === '\n') line += 1;
    return line;
  };
}
