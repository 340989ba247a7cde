/** The page in a browser. */
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { checkAdminPage } from '../lib/admin-page.ts';
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

  must(
    'say on its admin port how it is, to a person with a phone, too',
    {
      say: 'The admin port has one page: is it well, its last problems, its parameters. It fits 390 pixels.',
      within: 120_000,
    },
    checkAdminPage,
  );

  afterwards(closeBrowser);
}
