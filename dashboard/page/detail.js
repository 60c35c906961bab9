// One alert, opened: why, what each sensor added, what happened, and what a person says of it.
import { el } from './dom.js';
import { evidence } from './evidence.js';
import { floorPlan } from './floor.js';
import { timeline } from './timeline.js';
import { verdictForm } from './verdict.js';
import * as words from './words.js';

/**
 * detailOf builds the view of one alert. context: {site, sources (kind by id), revisions, names (of goods by SKU),
 * opened (names of folds that are open), form (kept between renderings, so that typing survives)}.
 */
export function detailOf(alert, context) {
  const [state, meaning] = words.states[alert.state] ?? [alert.state, ''];
  return [
    el('header', { class: 'lead' },
      el('div', { class: 'chips' },
        el('span', { class: 'tier', 'data-tier': alert.tier, title: words.tierMeaning[alert.tier] }, words.tiers[alert.tier] ?? alert.tier),
        el('span', { class: 'state', 'data-state': alert.state }, state),
        el('span', { class: 'soft' }, meaning)),
      el('h2', { id: 'opened' }, alert.message || 'Alert'),
      alert.why ? el('p', { class: 'why' }, alert.why) : null,
      alert.state === 'retracted' || alert.state === 'closed' || !alert.action ? null : el('p', { class: 'action' },
        el('span', { class: 'soft' }, 'Suggested: '), el('strong', {}, alert.action))),
    notes(alert),
    el('div', { class: 'two' }, figures(alert), floorPlan(context.site.zones, alert.zone, alert.position)),
    section('What speaks for it and against it', evidence(alert, context)),
    missing(alert),
    goods(alert, context.names),
    section('What happened', timeline(alert, context)),
    who(alert),
    section('Verdict', context.form ?? verdictForm(alert)),
    el('footer', { class: 'soft small' }, identity(alert)),
  ];
}

function section(title, ...content) {
  return el('section', { class: 'block' }, el('h3', {}, title), content);
}

function notes(alert) {
  const cap = alert.capped_by && (words.caps[alert.capped_by] ?? 'Held at review: ' + alert.capped_by + '.');
  const merged = alert.merged_into && 'This visit turned out to be part of another one, which carries the alert now.';
  return [cap, merged].filter(Boolean).map((text) => el('p', { class: 'note' }, text));
}

function figures(alert) {
  const rows = [
    ['Likelihood', words.percent(alert.score)],
    ['Value at risk', words.money(alert.value)],
    ['Zone', alert.zone ?? 'unknown'],
    ['Since', words.timeOf(alert.event_time)],
    ['Last seen', alert.seen_last ? (alert.seen_last.zone ?? 'between zones') + ', ' + words.timeOf(alert.seen_last.at) : 'not seen'],
    ['Till session', alert.transaction ?? 'none'],
    ['Policies', (alert.policies ?? []).map((p) => p.policy + ' ' + words.percent(p.score)).join(', ') || '–'],
  ];
  return el('dl', { class: 'figures' }, rows.map(([name, value], i) =>
    el('div', { class: i < 2 ? 'big' : null }, el('dt', {}, name), el('dd', {}, value))));
}

function missing(alert) {
  const holes = alert.missing ?? [];
  return section('What could not be seen', holes.length
    ? el('ul', { class: 'holes' }, holes.map((m) => el('li', {}, m)))
    : el('p', { class: 'soft' }, 'Nothing is missing: every sensor that the policies ask for was there.'));
}

function goods(alert, names) {
  const items = alert.items ?? [];
  if (!items.length) return section('Goods', el('p', { class: 'soft' }, 'No goods are known to be held.'));
  return section('Goods', el('table', { class: 'table' },
    el('thead', {}, el('tr', {}, ['Goods', 'Count', 'Not paid', 'Value'].map((h, i) => el('th', { scope: 'col', class: i ? 'num' : null }, h)))),
    el('tbody', {}, items.map((item) => el('tr', {},
      el('td', {}, named(item, names), item.epc ? el('span', { class: 'soft small mono' }, ' tag ' + item.epc) : null),
      el('td', { class: 'num' }, item.count),
      el('td', { class: 'num' }, words.percent(item.p_unpaid)),
      el('td', { class: 'num' }, words.money(item.value)))))));
}

function named(item, names) {
  if (!item.sku) return 'unknown goods';
  const sku = el('span', { class: 'mono' }, item.sku);
  const name = names.get(item.sku);
  return name ? [name, ' ', el('span', { class: 'soft small' }, sku)] : sku;
}

function who(alert) {
  const person = alert.person ?? {};
  const lines = [];
  if (alert.subject?.kind === 'visit') {
    lines.push(upper(words.percent(person.p)) + ' sure that these sensors saw one and the same person.');
    if (person.others?.length) lines.push('It may also have been ' + (person.others.length > 1 ? 'one of ' + person.others.length + ' other visits' : 'another visit') + ' near by.');
    lines.push(upper(words.percent(person.is_staff)) + ' likely to be one of the staff.');
  } else if (alert.subject) {
    lines.push('About the ' + alert.subject.kind + ' ' + alert.subject.id + ', nobody in particular.');
  }
  if (alert.tracks?.length) lines.push('Followed by ' + alert.tracks.join(', ') + '.');
  if (alert.objects?.length) lines.push('Cameras made out: ' + alert.objects.join(', ') + '.');
  return section('Who', el('ul', { class: 'plain' }, lines.map((l) => el('li', {}, l))));
}

function upper(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function identity(alert) {
  const hash = (text) => (text ? text.replace('sha256:', '').slice(0, 12) : 'none');
  return [
    el('span', { class: 'mono' }, alert.id), ' · revision ' + alert.rev, ' · told at ' + words.timeOf(alert.raised_at),
    ' · site ' + hash(alert.site_hash), ' · model ' + hash(alert.model_hash),
  ];
}
