/** HTML as text, and the frame of each page. */
import { STYLE as SHARED } from '#kit/life/style.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as HTML, also within an attribute in double quotes. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);

const STYLE = `${SHARED}
body { max-width: 80rem; }
nav a { margin-right: 0.8rem; }
.rows { display: grid; gap: 0.3rem; margin: 0; padding: 0; list-style: none; }
.span { display: grid; grid-template-columns: minmax(8rem, 2fr) 3fr; gap: 0.2rem 0.8rem; }
.span small, .lines small { color: var(--quiet); }
.span .event { grid-column: 1 / -1; color: var(--hot); }
.bar { display: block; width: 100%; height: 1.2rem; }
.bar rect { fill: var(--accent); }
.bar .failed { fill: var(--hot); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: 0.8rem; }
figure { margin: 0; padding: 0.6rem; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; min-width: 0; }
figcaption { font-weight: bold; }
figure p { margin: 0.2rem 0; color: var(--quiet); }
figure ul { margin: 0; padding: 0; list-style: none; font-size: 12px; max-height: 6rem; overflow: auto; }
.plot { width: 100%; height: 6rem; }
.plot polyline { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
`;

/** Nothing but the page's own style is loaded, and nothing is run. */
export const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/** @param content HTML @param refresh in seconds; 0 for a page that stays as it is */
export const page = (title: string, content: string, refresh = 0): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh === 0 ? '' : `<meta http-equiv="refresh" content="${refresh}">`}
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1><nav><a href="/">requests</a> <a href="/dashboards">dashboards</a> <a href="/alerts">alerts</a></nav></header>
${content}
</body>
</html>
`;
