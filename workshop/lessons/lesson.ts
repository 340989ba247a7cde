/** A lesson: an exercise's README.md, read. */

export interface Lesson {
  readonly title: string;
  /** Minutes that it takes. */
  readonly minutes: number;
  /** Sections as Markdown, without their headings. */
  readonly goal: string;
  readonly steps: string;
  readonly hints: readonly string[];
  readonly recap: string;
}

/** Sections that every lesson has, in their order. */
const SECTIONS = ['Goal', 'Steps', 'Hints', 'Recap'] as const;

/**
 * Read a lesson.
 * @param markdown `# Title`, `*10 minutes*`, and the sections Goal, Steps, Hints (a numbered list) and Recap
 * @throws {Error} that names what is missing
 */
export function parseLesson(markdown: string): Lesson {
  const title = /^# (?:\d+ · )?(.+)$/m.exec(markdown)?.[1];
  const minutes = /^\*(\d+) minutes\*$/m.exec(markdown)?.[1];
  if (title === undefined || minutes === undefined) throw new Error('a lesson begins with # TITLE and *N minutes*');
  const [goal, steps, hints, recap] = SECTIONS.map((name) => section(markdown, name));
  return { title, minutes: Number(minutes), goal: goal!, steps: steps!, hints: listItems(hints!), recap: recap! };
}

function section(markdown: string, name: string): string {
  const heading = `\n## ${name}\n`;
  const start = markdown.indexOf(heading);
  if (start === -1) throw new Error(`a lesson has a section ## ${name}`);
  const rest = markdown.slice(start + heading.length);
  const end = rest.search(/^## /m);
  return (end === -1 ? rest : rest.slice(0, end)).trim();
}

/** Items of a numbered list; what is indented belongs to the item above. */
function listItems(text: string): string[] {
  return text
    .split(/^\d+\. /m)
    .slice(1)
    .map((item) => item.replace(/\n {3}/g, '\n').trim());
}
