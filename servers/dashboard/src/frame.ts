/** The page's frame; its script fills it and keeps it up to date. */

/** Nothing from elsewhere, nothing inline, no frame around it. */
export { SECURITY_HEADERS } from '../../../sidecars/topz/src/view/page.ts';

export const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>mesh</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<main id="mesh"><noscript><p>This page needs its script.</p></noscript></main>
</body>
</html>
`;
