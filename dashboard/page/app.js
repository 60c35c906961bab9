// The page: keeps what is known, follows the stream, opens alerts.
import { byId, el, remembered } from './dom.js';
import { detailOf } from './detail.js';
import { neighbour, showList } from './list.js';
import { showPolicies, showSources, showVisits } from './panels.js';
import { showMark, verdictForm } from './verdict.js';
import * as words from './words.js';

const state = {
  site: { zones: [] },
  alerts: new Map(), // the newest line of each, by id
  revisions: new Map(), // by id: its lines by rev
  marks: new Map(),
  sources: new Map(), // kind by id
  names: new Map(), // of goods, by SKU
  filter: 'all',
  opened: null,
  folds: new Set(),
  form: null,
};

async function get(path) {
  const reply = await fetch(path, { headers: { Accept: 'application/json' } });
  if (reply.status === 401) location.reload(); // the session has ended: the login comes
  if (!reply.ok) throw new Error(path + ' answered ' + reply.status);
  return reply.json();
}

// newer says whether line a of an alert says more of what is known than line b: the one with the higher rev, unless it is a
// final line that has yet to catch up with a provisional one. It is alerts.Newer.
const ranks = ['log', 'review', 'staff', 'gate'];
const stands = (line) => line.state !== 'retracted' && line.state !== 'closed';
const behind = (f, p) => f.final && !p.final && stands(p) && f.state !== 'closed' && !f.merged_into && Date.parse(f.at) < Date.parse(p.at)
  && (f.state === 'retracted' || ranks.indexOf(f.tier) < ranks.indexOf(p.tier) || p.score - f.score >= 0.05);
const newer = (a, b) => (a.rev < b.rev ? behind(b, a) : a.rev > b.rev && !behind(a, b));

// learn takes one line; lines that say less than the known one only enter the history.
function learn(line) {
  if (!line?.id) return false;
  const history = state.revisions.get(line.id) ?? new Map();
  state.revisions.set(line.id, history.set(line.rev, line));
  const known = state.alerts.get(line.id);
  if (known && !newer(line, known)) return false;
  state.alerts.set(line.id, line);
  return true;
}

// Lists

const newest = (a, b) => Date.parse(b.event_time) - Date.parse(a.event_time) || (a.id < b.id ? 1 : -1);

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const alerts = [...state.alerts.values()].sort(newest);
    while (alerts.length > 500) {
      const gone = alerts.pop();
      if (gone.id === state.opened) continue;
      state.alerts.delete(gone.id);
      state.revisions.delete(gone.id);
    }
    if (!state.opened && alerts.length) open(alerts[0].id, false);
    showList(alerts, state.marks, state.filter, state.opened);
    showDetail();
    const open_ = alerts.filter((a) => a.state !== 'closed' && a.state !== 'retracted').length;
    document.title = (open_ ? '(' + open_ + ') ' : '') + 'Magpie' + (state.site.store ? ' · ' + state.site.store : '');
  });
}

let drawn = '';
function showDetail() {
  const alert = state.alerts.get(state.opened);
  const pane = byId('detail');
  if (!alert) {
    const kind = state.opened ? 'unknown' : 'none';
    if (drawn !== kind) {
      const [title, text] = state.opened ? ['No such alert.', 'It may be older than what is kept here.'] : ['All is quiet.', 'An alert opens here with everything that speaks for it and against it.'];
      pane.replaceChildren(el('div', { class: 'quiet-pane' }, el('p', {}, title), el('p', { class: 'soft' }, text)));
      drawn = kind;
    }
    return;
  }
  const mark = state.marks.get(alert.id);
  const revisions = [...(state.revisions.get(alert.id) ?? new Map()).values()].sort((a, b) => a.rev - b.rev);
  const key = JSON.stringify([alert.id, alert.rev, revisions.length, [...state.sources], state.names.size]);
  if (drawn !== key) {
    drawn = key;
    const focused = state.form.contains(document.activeElement) ? document.activeElement : null;
    pane.replaceChildren(...detailOf(alert, { site: state.site, sources: state.sources, names: state.names, revisions, opened: state.folds, form: state.form })
      .flat().filter(Boolean));
    focused?.focus({ preventScroll: true });
  }
  showMark(state.form, mark);
  nameGoods(alert);
}

async function open(id, focus) {
  if (state.opened !== id) {
    state.opened = id;
    state.folds = new Set();
    state.form = verdictForm({ id });
    byId('detail').scrollTop = 0;
  }
  draw();
  if (focus) byId('detail').focus({ preventScroll: true });
  try {
    for (const line of await get('/api/alerts/' + encodeURIComponent(id))) learn(line);
    draw();
  } catch { /* the lines that came by the stream are enough */ }
}

// nameGoods asks once for each SKU that an opened alert shows.
async function nameGoods(alert) {
  const skus = (alert.items ?? []).map((i) => i.sku).filter((sku) => sku && !state.names.has(sku));
  if (!skus.length) return;
  for (const sku of skus) state.names.set(sku, '');
  try {
    const names = await get('/api/goods?' + new URLSearchParams(skus.map((sku) => ['sku', sku])));
    for (const [sku, name] of Object.entries(names)) state.names.set(sku, name);
    drawn = '';
    draw();
  } catch { /* the SKUs say enough */ }
}

function followHash() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id && id !== 'detail') open(id, false);
}

// The stream

const line = byId('line');
function lineState(word, text) {
  line.dataset.state = word;
  line.textContent = text;
}

let stream, silence, lost = 0;
function heard() {
  clearTimeout(silence);
  silence = setTimeout(() => again('no sign of life for 40 s'), 40000);
}

function follow() {
  stream = new EventSource('/api/alerts/stream');
  stream.onopen = () => {
    heard();
    // Read what is there after the stream stands, so that nothing falls between the two.
    load().then(() => { lost = 0; lineState('live', 'Live'); }, () => again('could not read the alerts'));
  };
  stream.addEventListener('alert', (event) => {
    heard();
    const alert = JSON.parse(event.data);
    const first = !state.alerts.has(alert.id);
    if (learn(alert)) {
      if (first) byId('live').textContent = (words.tiers[alert.tier] ?? '') + ': ' + alert.message;
      draw();
    }
  });
  stream.addEventListener('mark', (event) => {
    heard();
    const { id, ...mark } = JSON.parse(event.data);
    state.marks.set(id, { ...state.marks.get(id), ...mark });
    draw();
  });
  stream.addEventListener('beat', heard);
  stream.addEventListener('reset', () => { heard(); load().catch(() => {}); });
  stream.onerror = () => {
    lost ||= Date.now();
    lineState('lost', 'Reconnecting…');
    if (stream.readyState === EventSource.CLOSED) again('closed');
  };
}

let waiting;
function again() {
  stream?.close();
  clearTimeout(silence);
  lost ||= Date.now();
  lineState('lost', 'Reconnecting…');
  clearTimeout(waiting);
  waiting = setTimeout(follow, Math.min(10000, 1000 + (Date.now() - lost) / 4));
}

async function load() {
  const [alerts, marks] = await Promise.all([get('/api/alerts?limit=200'), get('/api/marks')]);
  for (const alert of alerts) learn(alert);
  state.marks = new Map(Object.entries(marks));
  draw();
}

// The panels

async function poll() {
  if (!document.hidden) {
    try {
      const [sources, visits, policies] = await Promise.all([get('/api/sources'), get('/api/visits'), get('/api/policies')]);
      const kinds = new Map(sources.map((s) => [s.id, s.kind]));
      if (JSON.stringify([...kinds]) !== JSON.stringify([...state.sources])) {
        state.sources = kinds;
        draw();
      }
      showSources(sources);
      showVisits(visits);
      showPolicies(policies);
      document.body.classList.remove('stale');
    } catch {
      document.body.classList.add('stale');
    }
  }
  setTimeout(poll, 2000);
}

function tick() {
  byId('clock').textContent = words.timeOf(new Date().toISOString());
  for (const node of document.querySelectorAll('[data-ago]')) {
    const text = words.ago(node.dataset.ago);
    if (node.textContent !== text) node.textContent = text;
  }
}
setInterval(tick, 1000);

// Controls

for (const button of document.querySelectorAll('[data-filter]')) {
  button.addEventListener('click', () => {
    state.filter = button.dataset.filter;
    for (const other of document.querySelectorAll('[data-filter]')) other.setAttribute('aria-pressed', String(other === button));
    draw();
  });
}

const themes = ['auto', 'light', 'dark'];
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = theme[0].toUpperCase() + theme.slice(1);
  remembered.set('theme', theme);
}
setTheme(themes.includes(remembered.get('theme')) ? remembered.get('theme') : 'auto');
byId('theme').addEventListener('click', () => setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % 3]));

addEventListener('hashchange', followHash);
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select')) return;
  const step = { j: 1, k: -1 }[event.key];
  const next = step && neighbour(state.opened, step);
  if (!next) return;
  event.preventDefault();
  location.hash = '#' + encodeURIComponent(next);
  requestAnimationFrame(() => document.querySelector('.entry[aria-current=true]')?.scrollIntoView({ block: 'nearest' }));
});

async function start() {
  try {
    state.site = await get('/api/site');
    words.setStore(state.site);
    byId('store').textContent = state.site.store;
  } catch {
    setTimeout(start, 2000);
    return;
  }
  tick();
  followHash();
  follow();
  poll();
  draw();
}
start();
