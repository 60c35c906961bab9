// The list of alerts, newest first.
import { byId, el } from './dom.js';
import * as words from './words.js';

const rows = new Map(); // by alert id: {node, shown}

const filters = {
  all: () => true,
  open: (alert) => alert.state !== 'closed' && alert.state !== 'retracted',
  todo: (alert, mark) => !mark?.verdict && alert.state !== 'retracted',
};

/** showList draws the alerts that pass the filter. Nodes are kept, so that focus and scrolling stay. */
export function showList(alerts, marks, filter, opened) {
  const list = byId('alerts');
  const wanted = alerts.filter((a) => filters[filter](a, marks.get(a.id)));
  const keep = new Set(wanted.map((a) => a.id));
  for (const [id, row] of rows) {
    if (!keep.has(id)) {
      row.node.remove();
      rows.delete(id);
    }
  }
  wanted.forEach((alert, i) => {
    const row = rows.get(alert.id) ?? { node: el('li', {}), shown: '' };
    rows.set(alert.id, row);
    const mark = marks.get(alert.id);
    const shown = JSON.stringify([alert.rev, mark]);
    if (row.shown !== shown) {
      const focused = row.node.contains(document.activeElement);
      row.node.replaceChildren(entry(alert, mark));
      row.shown = shown;
      if (focused) row.node.firstChild.focus();
    }
    row.node.firstChild.setAttribute('aria-current', String(alert.id === opened));
    if (list.children[i] !== row.node) list.insertBefore(row.node, list.children[i] ?? null);
  });
  const none = byId('none');
  none.hidden = wanted.length > 0;
  none.textContent = alerts.length ? 'No alert of this kind.' : 'No alerts. That is good news.';
}

function entry(alert, mark) {
  const said = mark?.verdict ? words.verdictWord(mark.verdict) : mark?.acked ? mark.acked + ' sees to it' : null;
  return el('a', { href: '#' + encodeURIComponent(alert.id), class: 'entry', 'data-tier': alert.tier, 'data-state': alert.state, 'data-id': alert.id },
    el('span', { class: 'top' },
      el('span', { class: 'tier', 'data-tier': alert.tier }, words.tiers[alert.tier] ?? alert.tier),
      el('span', { class: 'state', 'data-state': alert.state }, words.states[alert.state]?.[0] ?? alert.state),
      el('span', { class: 'grow' }), el('span', { class: 'score' }, words.percent(alert.score))),
    el('span', { class: 'message' }, alert.message || 'Alert'),
    el('span', { class: 'under soft' },
      el('span', {}, alert.zone ?? 'near no zone'), el('span', {}, words.money(alert.value)),
      el('time', { 'data-ago': alert.event_time, title: words.timeOf(alert.event_time) }, words.ago(alert.event_time)),
      said ? el('span', { class: 'said' }, said) : null));
}

/** neighbour is the id before (-1) or after (+1) an entry in the list as shown. */
export function neighbour(id, step) {
  const shown = [...byId('alerts').querySelectorAll('.entry')].map((e) => e.dataset.id);
  if (!shown.length) return null;
  const at = shown.indexOf(id);
  return shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + step))];
}
