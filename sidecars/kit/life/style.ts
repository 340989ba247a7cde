/** The look of the admin port's page: colours and letters of page/base.css, which a test compares, for a page without further files. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fbfbfa, #16181c);
  --card: light-dark(#ffffff, #1e2127);
  --ink: light-dark(#1c1e21, #e6e7ea);
  --quiet: light-dark(#5f6570, #9aa1ad);
  --rule: light-dark(#e2e4e8, #31353d);
  --accent: light-dark(#1a63d8, #6cb0ff);
  --hot: light-dark(#b4301f, #ff8d7a);
  --good: light-dark(#1a7f37, #56d364);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 60rem;
  padding: 1rem clamp(0.75rem, 2vw, 2rem) 3rem;
  background: var(--paper);
  color: var(--ink);
  font: 14px/1.45 system-ui, 'DejaVu Sans', sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; }
header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.4rem 1rem; }
h1 { margin: 0; font-size: 1.35rem; letter-spacing: -0.01em; }
h1 small { color: var(--quiet); font-weight: normal; }
h2 { margin: 0 0 0.4rem; font-size: 1rem; }
p { margin: 0.4rem 0; }
section { margin-top: 1rem; padding: 0.75rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
dl { margin: 0; }
dl > div { display: grid; grid-template-columns: 18rem 1fr; gap: 0 1rem; padding: 0.3rem 0; border-top: 1px solid var(--rule); }
dl > div:first-child { border-top: 0; }
dd { margin: 0; }
dd small, .quiet { color: var(--quiet); }
dd small { display: block; }
.state { margin: 0; }
.state::before { content: ''; display: inline-block; width: 0.6rem; height: 0.6rem; margin-right: 0.4rem; border-radius: 50%; background: var(--hot); }
.state[data-state='good']::before { background: var(--good); }
@media (max-width: 40rem) {
  dl > div { grid-template-columns: 1fr; }
  a { display: inline-block; padding: 0.35rem 0; }
}
`;
