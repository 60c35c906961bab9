// What a person says of an alert.
import { el, remembered } from './dom.js';
import * as words from './words.js';

/** verdictForm is made once for an opened alert and kept while the alert changes, so that typing survives. */
export function verdictForm(alert) {
  const who = el('input', { name: 'who', autocomplete: 'name', maxlength: 100, value: remembered.get('who') });
  const recovered = el('input', { name: 'recovered', type: 'number', min: 0, step: '0.01', inputmode: 'decimal' });
  const minutes = el('input', { name: 'minutes', type: 'number', min: 0, step: 1, inputmode: 'numeric' });
  const why = el('input', { name: 'why', maxlength: 1000 });
  const said = el('p', { class: 'said', role: 'status' });
  const form = el('form', { class: 'verdict' },
    el('div', { class: 'fields' },
      field('Your name', who), field('Recovered', recovered), field('Minutes of work', minutes), field('Note', why)),
    el('div', { class: 'buttons', role: 'group', 'aria-label': 'Verdict' },
      el('button', { type: 'button', class: 'primary', 'data-ack': true, onclick: () => acknowledge() }, 'I see to it'),
      words.verdicts.map(([word, label, meaning]) =>
        el('button', { type: 'button', 'data-verdict': word, title: meaning, 'aria-pressed': 'false', onclick: () => record(word) }, label))),
    said);
  form.addEventListener('submit', (event) => event.preventDefault());

  async function post(path, content, done) {
    remembered.set('who', who.value.trim());
    said.dataset.bad = '';
    said.textContent = 'Sending…';
    try {
      const reply = await fetch('/api/alerts/' + encodeURIComponent(alert.id) + path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(content) });
      const body = await reply.json();
      if (!reply.ok) throw new Error(body.error ?? 'The server answered ' + reply.status);
      delete said.dataset.bad;
      said.textContent = done;
    } catch (error) {
      said.dataset.bad = 'yes';
      said.textContent = 'Not recorded: ' + error.message;
    }
  }

  function acknowledge() {
    if (!who.value.trim()) {
      said.dataset.bad = 'yes';
      said.textContent = 'Please give your name first.';
      who.focus();
      return;
    }
    post('/ack', { who: who.value.trim() }, 'Recorded: ' + who.value.trim() + ' sees to it.');
  }

  function record(word) {
    post('/verdict', { verdict: word, recovered: Number(recovered.value) || 0, minutes: Number(minutes.value) || 0,
      why: why.value.trim(), who: who.value.trim() }, 'Recorded: ' + words.verdictWord(word) + '.');
  }
  return form;
}

/** showMark shows in a form what was said of its alert so far. */
export function showMark(form, mark) {
  for (const button of form.querySelectorAll('[data-verdict]')) {
    button.setAttribute('aria-pressed', String(button.dataset.verdict === mark?.verdict));
  }
  const ack = form.querySelector('[data-ack]');
  ack.textContent = mark?.acked ? mark.acked + ' sees to it' : 'I see to it';
}

function field(label, input) {
  return el('label', {}, el('span', {}, label), input);
}
