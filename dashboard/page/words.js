// Numbers and wire words in plain words.

let zone, currency, clock, day;

/** setStore fixes the time zone and the currency in which everything is shown. */
export function setStore(site) {
  zone = site.timezone || undefined;
  currency = site.currency;
  const options = { timeZone: zone, hour12: false };
  clock = new Intl.DateTimeFormat('en-GB', { ...options, hour: '2-digit', minute: '2-digit', second: '2-digit' });
  day = new Intl.DateTimeFormat('en-GB', { ...options, weekday: 'short', day: 'numeric', month: 'short' });
}
setStore({});

function date(text) {
  const at = new Date(text ?? NaN);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** timeOf is the store's local time, with its day when that is not today. */
export function timeOf(text, fraction) {
  const at = date(text);
  if (!at) return '–';
  let time = clock.format(at);
  if (fraction) time += '.' + String(at.getMilliseconds()).padStart(3, '0').slice(0, 1);
  return day.format(at) === day.format(new Date()) || fraction ? time : day.format(at) + ', ' + time;
}

export function ago(text) {
  const at = date(text);
  if (!at) return 'never';
  const s = Math.round((Date.now() - at.getTime()) / 1000);
  if (s < 2) return 'now';
  if (s < 100) return s + ' s ago';
  if (s < 6000) return Math.round(s / 60) + ' min ago';
  if (s < 172800) return Math.round(s / 3600) + ' h ago';
  return Math.round(s / 86400) + ' days ago';
}

export function seconds(s) {
  if (!(s >= 0)) return '–';
  if (s < 100) return Math.round(s) + ' s';
  return Math.floor(s / 60) + ' min ' + String(Math.round(s % 60)).padStart(2, '0') + ' s';
}

export function money(value) {
  if (typeof value !== 'number') return '–';
  if (!currency) return value.toFixed(2);
  return new Intl.NumberFormat('en-GB', { style: 'currency', currency }).format(value);
}

export function percent(p) {
  if (typeof p !== 'number') return '–';
  if (p > 0 && p < 0.01) return 'under 1 %';
  if (p < 1 && p > 0.99) return 'over 99 %';
  return Math.round(p * 100) + ' %';
}

/** amount writes an expected count: 1, 0.9. */
export function amount(n) {
  if (typeof n !== 'number') return '–';
  return String(Math.round(n * 10) / 10);
}

export const tiers = { gate: 'Gate', staff: 'Staff', review: 'Review', log: 'Log' };
export const tierMeaning = {
  gate: 'Now, at the door',
  staff: 'For staff on the floor',
  review: 'To look at later',
  log: 'Only kept',
};

export const states = {
  provisional: ['Provisional', 'Known on arrival; messages still on their way may change it.'],
  confirmed: ['Confirmed', 'Everything on time has arrived.'],
  updated: ['Updated', 'Confirmed, and changed since by what happened later.'],
  closed: ['Closed', 'The visit has ended; nothing more will change.'],
  retracted: ['Retracted', 'No longer holds. Whoever was told has been told so.'],
};

export const caps = {
  require: 'Held at review: the sensors that the policy asks for could not see enough.',
  person: 'Held at review: it is not sure enough which person it was.',
  budget: 'Held at review: the budget of alerts for this time is used up.',
};

export const verdicts = [
  ['loss', 'Loss', 'Goods left unpaid'],
  ['recovered', 'Recovered', 'Goods or payment came back'],
  ['honest_error', 'Honest error', 'Forgotten or mis-scanned'],
  ['no_loss', 'No loss', 'Everything was in order'],
  ['fault', 'Fault', 'A sensor or a set-up was wrong'],
  ['unclear', 'Unclear', 'Nobody can tell'],
];

export function verdictWord(word) {
  return verdicts.find(([w]) => w === word)?.[1] ?? word;
}

/** factor says what a weight in log-odds means: how many times likelier it makes the matter. */
export function factor(logodds) {
  const size = Math.abs(logodds);
  if (size < 0.1) return 'says almost nothing';
  const times = Math.exp(size);
  const rounded = times >= 100 ? Math.round(times / 10) * 10 : times >= 10 ? Math.round(times) : Math.round(times * 10) / 10;
  return rounded.toLocaleString('en-GB') + ' × ' + (logodds > 0 ? 'likelier' : 'less likely');
}

/** strength is the same in one word, by the contract's ratios 3, 10, 100, 800. */
export function strength(logodds) {
  const size = Math.abs(logodds);
  const word = size < 0.1 ? '' : size < 1.7 ? 'weakly' : size < 3.5 ? 'moderately' : size < 5.7 ? 'strongly' : 'very strongly';
  if (!word) return 'neutral';
  return 'speaks ' + word + (logodds > 0 ? ' for it' : ' against it');
}
