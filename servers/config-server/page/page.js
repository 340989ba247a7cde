/** The page: documents, their versions, what became of each, and the way back. */

const SESSION = 'config-server-session';
const RETRY = 2000;
const at = (id) => document.getElementById(id);
const token = () => sessionStorage.getItem(SESSION);

let documents = [];
let chosen;
/** The version whose content or difference is shown: `{version, kind, text}`. */
let opened;

/** An element; what is text stays text, whatever is in it. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Ask the server; throws what it refuses with. */
async function ask(path, { headers, ...options } = {}) {
  const response = await fetch(path, { ...options, headers: { authorization: `Bearer ${token()}`, ...headers } });
  if (response.ok) return response;
  const { message = response.statusText } = await response.json().catch(() => ({}));
  if (response.status === 401) leave(message);
  throw new Error(message);
}

const askJson = async (path) => (await ask(path)).json();
const pathOf = (key) => `/v1/documents/${encodeURIComponent(key)}`;

function tell(problem) {
  at('notice').textContent = problem?.message ?? '';
}

/** Do something that a button asks for, and say when it fails. */
const doing = (work) => async () => {
  tell();
  try {
    await work();
  } catch (problem) {
    tell(problem);
  }
};

async function refresh() {
  ({ documents } = await askJson('/v1/documents'));
  chosen = documents.some(({ key }) => key === chosen) ? chosen : documents[0]?.key;
  at('documents').replaceChildren(...documents.map(entry));
  await showHistory();
}

function entry({ key, version }) {
  const choose = () => {
    chosen = key;
    opened = undefined;
    return refresh();
  };
  const current = String(key === chosen);
  return element(
    'button',
    { onclick: doing(choose), 'aria-current': current },
    key,
    element('small', {}, `v${version}`),
  );
}

async function showHistory() {
  if (chosen === undefined) {
    at('history').replaceChildren(element('p', { class: 'soft' }, 'There is no document yet.'));
    return;
  }
  const key = chosen;
  const { versions } = await askJson(`${pathOf(key)}/versions?limit=50`);
  // Another one was chosen meanwhile.
  if (key !== chosen) return;
  const cards = versions.map((version, index) => card(version, versions[index + 1], versions[0]));
  at('history').replaceChildren(element('h2', {}, key), ...cards);
}

function card(version, before, latest) {
  const { version: number, deleted } = version;
  const isOpen = opened?.version === number;
  const show = (kind, path) =>
    doing(async () => {
      const same = isOpen && opened.kind === kind;
      opened = same ? undefined : { version: number, kind, text: await (await ask(path)).text() };
      await showHistory();
    });
  const versionPath = `${pathOf(chosen)}/versions/${number}`;
  const buttons = [
    !deleted && element('button', { onclick: show('content', versionPath) }, 'Content'),
    before &&
      !deleted &&
      !before.deleted &&
      element(
        'button',
        { onclick: show('difference', `${pathOf(chosen)}/diff?from=${before.version}&to=${number}`) },
        'What changed',
      ),
    number !== latest.version &&
      !deleted &&
      !latest.deleted &&
      element('button', { onclick: doing(() => rollBack(number, latest.version)) }, 'Roll back to this'),
  ].filter(Boolean);
  return element(
    'article',
    {},
    element('div', {}, element('strong', {}, `Version ${number}`), sentence(version), ...buttons),
    reportsOf(version, number === latest.version),
    isOpen ? textOf(opened) : undefined,
  );
}

const VERBS = { create: 'created', update: 'changed', rollback: 'rolled back', delete: 'deleted' };

function sentence({ action, restored, author, at: time }) {
  const to = restored === undefined ? '' : ` to version ${restored}`;
  const when = new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
  return element(
    'span',
    { class: 'what soft' },
    `${VERBS[action]}${to} by ${author}, `,
    element('time', { datetime: time }, when),
  );
}

const STATES = { applied: '✓ applied', rejected: '✗ rejected', 'rolled-back': '↩ rolled back' };

function reportsOf({ reports, deleted }, isLatest) {
  if (reports.length === 0) {
    return isLatest && !deleted ? element('p', { class: 'soft' }, 'No sidecar has reported yet.') : undefined;
  }
  const lines = reports.map(({ sidecar, state, reason }) =>
    element('li', { class: state }, element('b', {}, STATES[state]), ` by ${sidecar}`, reason ? `: ${reason}` : ''),
  );
  return element('ul', {}, ...lines);
}

function textOf({ kind, text }) {
  if (kind === 'content') return element('pre', {}, text);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const kindOf = /^(---|\+\+\+|@@)/.test(line) ? 'at' : { '+': 'add', '-': 'del' }[line[0]];
      return element('span', { class: kindOf }, `${line}\n`);
    });
  return element('pre', {}, ...(text === '' ? ['The same content.'] : lines));
}

async function rollBack(version, latest) {
  if (!confirm(`Make a new version of ${chosen} with the content of version ${version}?`)) return;
  await ask(`${pathOf(chosen)}/rollback`, {
    method: 'POST',
    headers: { 'if-match': `"${latest}"`, 'content-type': 'application/json' },
    body: JSON.stringify({ version }),
  });
}

/** Follow changes and reports; a browser's EventSource could not send the token. */
async function follow() {
  let ended = false;
  while (!ended && token() !== null) {
    try {
      const { body } = await ask('/v1/watch?reports=true');
      live(true, 'live');
      await refresh();
      let rest = '';
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const events = (rest + read.value).split('\n\n');
        rest = events.pop();
        // What comes together is shown together.
        if (events.some((event) => /^event: /m.test(event))) await refresh();
      }
      live(false, 'not connected');
    } catch (problem) {
      ended = token() === null;
      if (!ended) live(false, `not connected: ${problem.message}`);
    }
    if (!ended) await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
}

function live(on, text) {
  at('live').className = on ? 'on' : '';
  at('live').textContent = text;
}

function enter() {
  const known = token() !== null;
  at('enter').hidden = known;
  at('main').hidden = at('leave').hidden = !known;
  if (known) void follow();
  else at('code').focus();
}

function leave(why = '') {
  sessionStorage.removeItem(SESSION);
  live(false, '');
  at('refused').textContent = why;
  enter();
}

/** Have a session for a one-time code. */
async function logIn(code) {
  at('refused').textContent = '';
  const response = await fetch('/v1/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) return leave(answer.message ?? response.statusText);
  sessionStorage.setItem(SESSION, answer.token);
  enter();
}

at('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  const code = at('code').value.trim();
  at('code').value = '';
  void logIn(code);
});
at('leave').addEventListener(
  'click',
  doing(async () => {
    await ask('/v1/sessions', { method: 'DELETE' });
    leave();
    // Ends the watch too.
    location.reload();
  }),
);

/** A link with a code logs in by itself; the code is spent, and leaves the address bar and the history. */
function begin() {
  const code = /^#login=([\w-]+)$/.exec(location.hash)?.[1];
  if (code === undefined) return enter();
  history.replaceState(null, '', location.pathname);
  void logIn(code);
}

// A link that is opened in a tab that shows the page already.
addEventListener('hashchange', begin);
begin();
