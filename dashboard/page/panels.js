// The state of the store beside the alerts: open visits, sources, policies.
import { byId, el } from './dom.js';
import * as words from './words.js';

const shown = new Map();

// draw replaces a panel only when its data changed: an unchanged one keeps its selection and its open folds.
function draw(id, data, build) {
  const text = JSON.stringify(data);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const open = new Set([...byId(id).querySelectorAll('details[open]')].map((d) => d.dataset.key));
  byId(id).replaceChildren(...build(data));
  for (const fold of byId(id).querySelectorAll('details')) fold.open = fold.open || open.has(fold.dataset.key);
}

export function showVisits(visits) {
  byId('n-visits').textContent = visits.length || '';
  draw('visits', visits, (all) => (all.length ? [...all].sort((a, b) => b.score - a.score).map(visit) : [el('p', { class: 'soft' }, 'Nobody is in the store.')]));
}

function visit(v) {
  const goods = (v.items ?? []).filter((i) => i.count >= 0.05);
  const odd = (v.till ?? []).filter((r) => r.class !== 'confirmed' && r.p >= 0.5);
  const here = v.zone || 'near no zone';
  return el('details', { class: 'row', 'data-key': v.id },
    el('summary', {},
      el('span', { class: 'mono' }, (v.tracks ?? [])[0] ?? v.id.slice(0, 10)),
      el('span', { class: 'soft' }, here), v.staff >= 0.5 ? el('span', { class: 'kind' }, 'staff') : null,
      el('span', { class: 'grow' }), el('span', { class: 'num' }, words.percent(v.score))),
    el('div', { class: 'more' },
      el('p', { class: 'soft' }, 'In the store since ' + words.timeOf(v.first) + ', seen ', el('time', { 'data-ago': v.last }, words.ago(v.last))),
      el('p', {}, (v.zones ?? []).map((z) => z.zone + ' ' + words.seconds(z.dwell)).join(' → ') || 'No zone entered yet: it walks where the site file has none.'),
      goods.length ? el('ul', { class: 'plain' }, goods.map((i) => el('li', {}, words.amount(i.count) + ' × ' + (i.name || i.sku),
        el('span', { class: 'soft' }, i.unpaid >= 0.05 ? ', ' + words.amount(i.unpaid) + ' not paid yet' : ', paid')))) : el('p', { class: 'soft' }, 'Holds no goods that we know of.'),
      v.unpaid > 0 ? el('p', { class: 'soft' }, words.money(v.unpaid) + ' not paid yet') : null,
      odd.length ? el('ul', { class: 'plain', 'aria-label': 'At the till' }, odd.map((r) => el('li', {}, r.class + ': ' + words.amount(r.units) + ' × ' + (r.name || r.sku || 'unknown goods'),
        el('span', { class: 'soft' }, (r.as ? ', scanned as ' + r.as : '') + ', ' + words.percent(r.p) + (r.value > 0 ? ', ' + words.money(r.value) : ''))))) : null,
      el('p', { class: 'soft small mono' }, v.id, v.policy ? ' · ' + v.policy : '')));
}

const order = { idle: 0, never: 1, degraded: 2, up: 3 };
const stateWord = { up: 'up', idle: 'idle', never: 'no sign yet', degraded: 'degraded' };

export function showSources(sources) {
  const up = sources.filter((s) => s.state === 'up').length;
  byId('n-sources').textContent = sources.length ? up + ' of ' + sources.length + ' up' : '';
  draw('sources', sources, (all) => (all.length
    ? [...all].sort((a, b) => (order[a.state] ?? 0) - (order[b.state] ?? 0) || (a.id < b.id ? -1 : 1)).map(source)
    : [el('p', { class: 'soft' }, 'The site file names no sources.')]));
}

function source(s) {
  return el('details', { class: 'row', 'data-key': s.id },
    el('summary', {},
      el('span', { class: 'lamp', 'data-state': s.state, 'aria-hidden': 'true' }),
      el('span', { class: 'mono' }, s.id), el('span', { class: 'soft' }, s.kind),
      s.rejected ? el('span', { class: 'kind warn' }, s.rejected + ' rejected') : null,
      el('span', { class: 'grow' }),
      el('span', { class: 'soft last' }, s.state === 'up' ? '' : (stateWord[s.state] ?? s.state) + ' ', s.last ? el('time', { 'data-ago': s.last }, words.ago(s.last)) : null)),
    el('div', { class: 'more' },
      s.detail ? el('p', {}, s.detail) : null,
      el('p', { class: 'soft' }, s.messages.toLocaleString('en-GB') + ' messages, ' + s.late.toLocaleString('en-GB') + ' late, ' + s.rejected.toLocaleString('en-GB') + ' rejected'),
      s.reason ? el('p', {}, 'Last rejected: ' + s.reason) : null,
      s.state === 'idle' ? el('p', { class: 'soft' }, 'While it is idle, what it would have seen counts as unknown, never as evidence.') : null));
}

export function showPolicies(set) {
  byId('n-policies').textContent = set.hash ? set.hash.replace('sha256:', '').slice(0, 8) : '';
  draw('policies', set, (s) => [
    s.error ? el('div', { class: 'note bad', role: 'alert' },
      el('p', {}, el('strong', {}, 'The last edit was refused'), s.error_at ? ' at ' + words.timeOf(s.error_at) : '', '. The set below goes on.'),
      el('pre', {}, s.error)) : null,
    s.loaded ? el('p', { class: 'soft small' }, 'Loaded ', el('time', { 'data-ago': s.loaded }, words.ago(s.loaded)), ', at ' + words.timeOf(s.loaded)) : null,
    ...s.policies.map((p) => el('div', { class: 'row flat' },
      el('div', { class: 'line' }, el('span', { class: 'mono' }, p.policy), el('span', { class: 'grow' }), el('span', { class: 'mode', 'data-mode': p.mode }, p.mode)),
      p.title ? el('div', { class: 'soft small' }, p.title) : null,
      p.why ? el('div', { class: 'small' }, p.why) : null)),
    s.policies.length ? null : el('p', { class: 'soft' }, 'No policies are loaded.'),
  ].filter(Boolean));
}
