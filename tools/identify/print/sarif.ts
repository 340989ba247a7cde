/** Warnings as SARIF 2.1.0 (OASIS), which code scanning takes in. */
import type { Answer } from '../model/answer.ts';

export function sarif({ groups, notes }: Answer): string {
  const all = [...groups.flatMap(({ warnings }) => warnings), ...notes];
  const rules = [...new Set(all.map(({ code }) => code))].toSorted().map((id) => ({ id, name: id }));
  const results = all.map(({ code, level, file, line, message }) => ({
    ruleId: code,
    level,
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file.replaceAll('\\', '/')) },
          region: { startLine: Math.max(1, line) },
        },
      },
    ],
  }));
  const document = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'sidecar-stacks identify', rules } }, results }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
