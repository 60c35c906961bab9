// What happened around an alert, in order of event time.
import { el } from './dom.js';
import { factsOf } from './evidence.js';
import * as words from './words.js';

/** timeline lists facts, the alert's own steps and where the person was last seen. */
export function timeline(alert, context) {
  const steps = new Map();
  const add = (at, kind, what, detail) => {
    if (!at) return;
    const key = at + '\u0000' + detail + '\u0000' + kind;
    const known = steps.get(key);
    if (!known) steps.set(key, { at, kind, what: [what], detail });
    else if (!known.what.includes(what)) known.what.push(what);
  };
  for (const item of alert.evidence ?? []) {
    for (const fact of factsOf(item)) add(fact.at, context.sources.get(fact.source) ?? 'fact', item.name, fact.source);
  }
  const tier = (context.revisions[0] ?? alert).tier;
  add(alert.event_time, 'alert', 'Alert first raised', words.tiers[tier] ?? tier);
  let last = '';
  for (const line of context.revisions) {
    if (line.state === last && line.state !== 'updated') continue;
    last = line.state;
    add(line.at, 'alert', 'Alert ' + (words.states[line.state]?.[0] ?? line.state).toLowerCase(), words.percent(line.score));
  }
  if (alert.seen_last) add(alert.seen_last.at, 'seen', 'Last seen', alert.seen_last.zone ?? 'between zones');
  const ordered = [...steps.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const zero = Date.parse(alert.event_time);
  return el('ol', { class: 'timeline' }, ordered.map((step) => el('li', { 'data-kind': step.kind },
    el('time', { datetime: step.at }, words.timeOf(step.at, true)),
    el('span', { class: 'offset soft' }, offset(Date.parse(step.at) - zero)),
    step.kind === 'alert' || step.kind === 'seen'
      ? el('span', {}, step.what.join(', '), ' ', el('span', { class: 'soft' }, step.detail))
      : el('span', {}, el('span', { class: 'mono' }, step.detail), ' ', el('span', { class: 'soft' }, step.kind), ' · ' + step.what.join(', ')))));
}

function offset(ms) {
  if (!Number.isFinite(ms)) return '';
  return (ms < 0 ? '−' : '+') + (Math.abs(ms) / 1000).toFixed(1) + ' s';
}
