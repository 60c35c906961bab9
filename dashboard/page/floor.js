// The floor plan: zones, and where the subject of an alert was.
import { el, svg } from './dom.js';

/** floorPlan draws the zones; zone is lit, position [x, y] is a dot. Null when the store has no zones. */
export function floorPlan(zones, zone, position) {
  const points = zones.flatMap((z) => z.polygon);
  if (position) points.push(position);
  if (!points.length || !zones.length) return null;
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(right - left, top - bottom, 0.1);
  const margin = size * 0.05;
  const at = ([x, y]) => [x - left + margin, top - y + margin]; // y up on the floor, down on the screen
  const drawing = svg('svg', {
    viewBox: `0 0 ${right - left + 2 * margin} ${top - bottom + 2 * margin}`, class: 'floor', role: 'img',
    'aria-label': 'Floor plan' + (zone ? ', last seen in ' + zone : ''),
  });
  for (const z of zones) {
    const place = z.polygon.map(at);
    const shape = svg('polygon', { points: place.map((p) => p.join(',')).join(' '), 'data-kind': z.kind });
    if (z.id === zone) shape.setAttribute('data-here', '');
    shape.append(svg('title', {}, z.id + ' (' + z.kind + ')'));
    drawing.append(shape);
  }
  for (const z of zones) {
    const place = z.polygon.map(at);
    const [x0, x1] = [Math.min(...place.map((p) => p[0])), Math.max(...place.map((p) => p[0]))];
    const x = (x0 + x1) / 2;
    const y = place.reduce((sum, p) => sum + p[1], 0) / place.length;
    const font = Math.min(size * 0.055, ((x1 - x0) * 1.5) / Math.max(z.id.length, 1));
    // A label under the dot would be unreadable: it moves up.
    const hidden = position && Math.abs(at(position)[1] - y) < size * 0.06 && Math.abs(at(position)[0] - x) < size * 0.1;
    drawing.append(svg('text', { x, y: hidden ? at(position)[1] - size * 0.075 : y + font * 0.35, 'font-size': font, 'text-anchor': 'middle' }, z.id));
  }
  if (position) {
    const [x, y] = at(position);
    drawing.append(svg('circle', { cx: x, cy: y, r: size * 0.045, class: 'halo' }), svg('circle', { cx: x, cy: y, r: size * 0.02, class: 'dot' }));
  }
  return el('figure', { class: 'plan' }, drawing);
}
