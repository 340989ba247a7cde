/** Versions of a site of 10,000 files, which all say which version they are of. */
import type { Files } from '../../scripts/lib/developer.ts';

export const FILES = 10_000;
/** How many of them a page refers to. */
const ASSETS_OF_A_PAGE = 20;

/** Path of an asset, `assets/42/4217.txt`. */
export const asset = (index: number): string => {
  const name = String(index).padStart(4, '0');
  return `assets/${name.slice(0, 2)}/${name}.txt`;
};

/** What every file of a version says. */
export const called = (number: number): string => `Version ${number}`;

/** A version: the page, and assets of which the page uses others than the version before did. */
export function site(number: number): Files {
  const used = Array.from({ length: ASSETS_OF_A_PAGE }, (_, index) =>
    asset((number * 997 + index * 499) % (FILES - 1)),
  );
  const links = used.map((path) => `  <li><a href="${path}">${path}</a>`).join('\n');
  const page = `<!doctype html>
<html lang="en">
<title>${called(number)}</title>
<h1>${called(number)}</h1>
<p>A site of ${FILES} files. This page uses:
<ul>
${links}
</ul>
</html>
`;
  const assets = Array.from({ length: FILES - 1 }, (_, index) => [asset(index), `${called(number)}, file ${index}\n`]);
  return { 'index.html': page, ...(Object.fromEntries(assets) as Files) };
}
