/** Licence notices of the packages in a bundle: most licences demand that they go where the code goes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const NOTICE = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i;

/**
 * @param root what inputs are relative to
 * @param inputs paths of what is in the bundle
 * @returns a comment of ASCII with name, version, licence and notices of each package; '' without packages
 */
export function noticesOf(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((input) => PACKAGE.exec(input)?.[0] ?? []));
  if (folders.size === 0) return '';
  const notices = [...folders].sort().map((folder) => noticeOf(join(root, folder)));
  return `/*\nPackages in this file, and their licences.\n\n${plain(notices.join('\n'))}*/\n`;
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const texts = readdirSync(folder)
    .filter((file) => NOTICE.test(file))
    .sort()
    .map((file) => `${readFileSync(join(folder, file), 'utf8').trim()}\n`);
  return [`== ${name} ${version} (${license ?? 'see below'})\n`, ...texts].join('\n');
}

/** As ASCII that ends no comment. */
function plain(text: string): string {
  return text
    .replaceAll('\r', '')
    .replaceAll('*/', '* /')
    .replaceAll('\u{a9}', '(c)')
    .normalize('NFKD')
    .replaceAll(/[\u{300}-\u{36f}]/gu, '')
    .replaceAll(/[^\n\u{20}-\u{7e}]/gu, '?');
}
