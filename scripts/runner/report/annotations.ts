/** A GitHub-style annotation for each failure: workflow commands on stdout. */
import type { Reporter, RunResult } from '../events.ts';

/** @param print takes a line */
export function annotationReporter(print: (line: string) => void): Reporter {
  return { on() {}, close: (results) => results.flatMap(annotations).forEach(print) };
}

/** The annotations of one run. */
export function annotations(result: RunResult): string[] {
  const file = `stacks/${result.stack}/scenario.ts`;
  const failed = result.obligations.flatMap(({ name, failure }) =>
    failure ? [command(file, failure.line, `${result.stack} must ${name}`, failure.message)] : [],
  );
  const others = result.failures
    .filter((failure) => failure.reason !== 'obligation')
    .map((failure) => command(file, failure.line, `${result.stack}: ${failure.reason}`, failure.message));
  return [...failed, ...others];
}

function command(file: string, line: number | undefined, title: string, message: string): string {
  const properties = [
    `file=${property(file)}`,
    ...(line === undefined ? [] : [`line=${line}`]),
    `title=${property(title)}`,
  ];
  return `::error ${properties.join(',')}::${data(message)}`;
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
