// Pictures for the live map's symbols, drawn from the same silhouettes as the rest.

import type { Map as MapLibre } from 'maplibre-gl';
import { modes, type Mode } from '../api/types';
import { silhouettes } from '../marks';
import type { Tokens } from './style';

const ratio = 2;

function draw(width: number, height: number, paint: (g: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const g = canvas.getContext('2d', { willReadFrequently: true })!;
  g.scale(ratio, ratio);
  g.translate(width / 2, height / 2);
  paint(g);
  return g.getImageData(0, 0, canvas.width, canvas.height);
}

function unit(mode: Mode, stopped: boolean, c: Tokens): ImageData {
  const shape = new Path2D(silhouettes[mode]);
  // Drawn at twice the size and shrunk by icon-size, so that it stays sharp when near.
  return draw(52, 44, (g) => {
    g.scale(2.1, 2.1);
    g.lineJoin = 'round';
    if (stopped) {
      g.strokeStyle = c.halo;
      g.lineWidth = 3.6;
      g.stroke(shape);
      g.fillStyle = c.land;
      g.fill(shape);
      g.strokeStyle = c[mode];
      g.lineWidth = 1.7;
      g.stroke(shape);
    } else {
      g.strokeStyle = c.halo;
      g.lineWidth = 2.4;
      g.stroke(shape);
      g.fillStyle = c[mode];
      g.fill(shape);
    }
  });
}

function diamond(fill: string, stroke: string): ImageData {
  return draw(22, 22, (g) => {
    g.rotate(Math.PI / 4);
    g.fillStyle = fill;
    g.strokeStyle = stroke;
    g.lineWidth = 2.2;
    g.fillRect(-5.4, -5.4, 10.8, 10.8);
    g.strokeRect(-5.4, -5.4, 10.8, 10.8);
  });
}

function dot(radius: number, fill: string, halo: string): ImageData {
  return draw(2 * radius + 6, 2 * radius + 6, (g) => {
    g.beginPath();
    g.arc(0, 0, radius + 1.6, 0, 7);
    g.fillStyle = halo;
    g.fill();
    g.beginPath();
    g.arc(0, 0, radius, 0, 7);
    g.fillStyle = fill;
    g.fill();
  });
}

function ring(radius: number, stroke: string, fill: string): ImageData {
  return draw(2 * radius + 6, 2 * radius + 6, (g) => {
    g.beginPath();
    g.arc(0, 0, radius, 0, 7);
    g.fillStyle = fill;
    g.fill();
    g.strokeStyle = stroke;
    g.lineWidth = 2.2;
    g.stroke();
  });
}

export function addIcons(map: MapLibre, c: Tokens) {
  const put = (id: string, image: ImageData) => {
    if (map.hasImage(id)) map.removeImage(id);
    map.addImage(id, image, { pixelRatio: ratio });
  };
  for (const m of modes) {
    put(`${m}-moving`, unit(m, false, c));
    put(`${m}-stopped`, unit(m, true, c));
  }
  put('post', diamond(c.surface, c.mapInk));
  put('post-crit', diamond(c.crit, c.crit));
  put('port', ring(4, c.sea, c.halo));
  put('dot', dot(3.2, c.mapInk, c.halo));
  put('dot-big', dot(6, c.ink, c.halo));
}
