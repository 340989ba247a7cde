/** The page's frame; its script fills it and keeps it up to date. */

/** Nothing from elsewhere, nothing inline, no frame around it. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/**
 * The page.
 * @param problem shown in the place of everything else: text without markup
 */
export function pageHtml(problem?: string): string {
  const body =
    problem === undefined
      ? '<main id="topz"><noscript><p>This page needs its script. Without: <a href="?format=text">as text</a>.</p></noscript></main>'
      : `<main><p class="problem">${problem}</p><p><a href="/topz">all processes</a></p></main>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>topz</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/topz/page.css">
${problem === undefined ? '<script src="/topz/page.js" defer></script>\n' : ''}</head>
<body>
${body}
</body>
</html>
`;
}
