// Building nodes. Text only ever enters as text: what comes from sensors and policies is never read as HTML.

/** el makes an element. Attributes: class, data-…, aria-…, on… (listeners), others by name; null and false are left out. */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false).map(asNode));
  return node;
}

const svgNS = 'http://www.w3.org/2000/svg';

/** svg makes an SVG element. */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(svgNS, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, String(value));
  node.append(...children.flat().map(asNode));
  return node;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

export function byId(id) {
  return document.getElementById(id);
}

/** remembered reads and writes a preference; a browser that keeps nothing only forgets. */
export const remembered = {
  get(key) {
    try { return localStorage.getItem('magpie.' + key) ?? ''; } catch { return ''; }
  },
  set(key, value) {
    try { localStorage.setItem('magpie.' + key, value); } catch { /* nothing is kept */ }
  },
};
