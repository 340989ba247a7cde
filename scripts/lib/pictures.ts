/** Pictures of a stack's page, kept with what its run leaves behind. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from './stacks.ts';

/**
 * Take one of the page as it is, in the light and in the dark.
 * @param stack its name
 * @param run the name of the run's project
 * @returns the pictures' paths, from the repository's root
 * @throws {Error} when the page does not follow the colour scheme
 */
export async function takePictures(page: Page, stack: string, run: string): Promise<string[]> {
  const folder = join('artifacts', stack, run);
  await mkdir(join(ROOT, folder), { recursive: true });
  const pictures: string[] = [];
  const papers: unknown[] = [];
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    papers.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    const path = join(folder, `page-${scheme}.png`);
    await page.screenshot({ path: join(ROOT, path) });
    pictures.push(path);
  }
  if (papers[0] === papers[1]) throw new Error(`the page is ${String(papers[0])} in the light and in the dark`);
  return pictures;
}
