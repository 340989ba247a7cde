/** The page's HTML: all else in it is made by its script. */

/**
 * The document.
 * @param language of the page
 * @param data in a build without a server, what the page shows; JSON
 */
export const html = (language: string, data?: string): string => `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sidecar-stacks · workshop</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
${data === undefined ? '' : `<script type="application/json" id="course">${data.replaceAll('<', '\\u003c')}</script>\n`}<script src="page.js" defer></script>
</head>
<body>
<div id="workshop"><noscript><p>This page needs its script. In a terminal: npm run workshop -- list</p></noscript></div>
</body>
</html>
`;
