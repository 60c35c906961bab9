// What each piece of evidence added, as bars to both sides of "says nothing".
import { el } from './dom.js';
import * as words from './words.js';

/** factsOf reads the facts behind a piece of evidence, written source@ts-ms. */
export function factsOf(item) {
  return (item.events ?? []).map((text) => {
    const cut = text.lastIndexOf('@');
    const ms = Number(text.slice(cut + 1));
    return cut > 0 && Number.isFinite(ms) ? { source: text.slice(0, cut), at: new Date(ms).toISOString() } : { source: text, at: null };
  });
}

const logit = (p) => Math.log(p / (1 - p));

/** evidence builds the bars, by group, and the sum under them. */
export function evidence(alert, context) {
  const items = alert.evidence ?? [];
  if (!items.length) return el('p', { class: 'soft' }, 'The policy gives a score without single pieces of evidence.');
  const groups = new Map();
  for (const item of items) {
    const key = item.group ?? '';
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  const before = start(alert, items);
  const scale = Math.max(2, ...items.map((i) => Math.abs(i.logodds)), Math.abs(before ?? 0));
  const rows = [];
  if (before !== null) {
    rows.push(el('div', { class: 'piece' },
      el('span', { class: 'name soft' }, 'to begin with'), bar(before, scale, 'prior'),
      el('span', { class: 'says soft' }, 'about ' + chance(before))));
  }
  for (const [group, members] of [...groups].sort((a, b) => (a[0] === '') - (b[0] === ''))) {
    rows.push(el('div', { class: 'group' },
      el('h4', {}, group || 'other', sensors(members, context, group)),
      members.map((item) => piece(item, scale, context))));
  }
  return el('div', { class: 'evidence' }, rows,
    el('div', { class: 'sum' }, el('span', {}, 'Together'), meter(alert.score), el('strong', {}, words.percent(alert.score))));
}

// start is what the score was before any evidence (and what caps of groups took off): known when one policy judged.
function start(alert, items) {
  if ((alert.policies ?? []).length !== 1 || !(alert.score > 0 && alert.score < 1)) return null;
  return logit(alert.score) - items.reduce((sum, i) => sum + i.logodds, 0);
}

function chance(logodds) {
  const one = 1 + Math.exp(-logodds);
  if (one < 2.5) return words.percent(1 / one);
  return '1 in ' + Math.round(one >= 100 ? Math.round(one / 10) * 10 : one).toLocaleString('en-GB');
}

function piece(item, scale, context) {
  const facts = factsOf(item);
  const fold = el('details', { 'data-fold': item.name },
    el('summary', {},
      el('span', { class: 'name' }, item.name), bar(item.logodds, scale),
      el('span', { class: 'says' }, words.factor(item.logodds))),
    el('div', { class: 'more' },
      el('p', {}, sentence(item)),
      facts.length ? el('ul', { class: 'facts' }, facts.map((f) => el('li', {},
        el('span', { class: 'mono' }, f.source), el('span', { class: 'soft' }, context.sources.get(f.source) ?? ''),
        el('time', {}, f.at ? words.timeOf(f.at, true) : '')))) : el('p', { class: 'soft' }, 'No single fact stands behind it: it follows from the whole visit.')));
  fold.open = context.opened.has(item.name);
  fold.addEventListener('toggle', () => (fold.open ? context.opened.add(item.name) : context.opened.delete(item.name)));
  return el('div', { class: 'piece' }, fold);
}

function sentence(item) {
  const quality = typeof item.quality === 'number' ? ', counted at ' + words.percent(item.quality) + ' of its weight' : '';
  const strength = words.strength(item.logodds);
  return strength[0].toUpperCase() + strength.slice(1) + ' (' + (item.logodds > 0 ? '+' : '') + item.logodds.toFixed(2) + ' in log-odds)' +
    quality + ', as of ' + words.timeOf(item.at, true) + '.';
}

// sensors names the kinds of source whose facts stand behind a group, when its name does not say so.
function sensors(members, context, group) {
  const kinds = new Set(members.flatMap(factsOf).map((f) => context.sources.get(f.source)).filter(Boolean));
  return [...kinds].filter((k) => k !== group).sort().map((k) => el('span', { class: 'kind' }, k));
}

function bar(logodds, scale, extra) {
  const fill = el('i', { class: 'fill ' + (extra ?? (logodds >= 0 ? 'for' : 'against')) });
  const width = Math.min(50, (Math.abs(logodds) / scale) * 50);
  fill.style.width = width + '%';
  fill.style.left = (logodds >= 0 ? 50 : 50 - width) + '%';
  return el('span', { class: 'bars', role: 'img', 'aria-label': words.strength(logodds) }, fill);
}

function meter(p) {
  const fill = el('i', {});
  fill.style.width = Math.round((p ?? 0) * 100) + '%';
  return el('span', { class: 'meter', 'aria-hidden': 'true' }, fill);
}
