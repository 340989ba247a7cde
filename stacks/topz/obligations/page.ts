/** The page in a browser. */
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { checkPage, closeBrowser } from '../lib/browser.ts';
import { topzOf } from '../lib/client.ts';

export function pageObligations({ must, finally: afterwards }: Scenario): void {
  must(
    'be a page that a browser shows, live',
    {
      say: "Debian's Chromium opens the page: it sorts, filters, draws the tree, and keeps itself up to date.",
      within: 120_000,
    },
    (stage) => checkPage(stage, topzOf(stage)),
  );

  afterwards(closeBrowser);
}
