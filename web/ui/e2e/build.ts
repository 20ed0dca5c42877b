// Builds the program once, unless CORRIDOR_BIN names one.

import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function build() {
  if (process.env.CORRIDOR_BIN) return;
  const bin = join(mkdtempSync(join(tmpdir(), 'corridor-e2e-')), 'corridor');
  execFileSync('go', ['build', '-o', bin, './cmd/corridor'], { cwd: join(import.meta.dirname, '../../..'), stdio: 'inherit' });
  process.env.CORRIDOR_BIN = bin;
}
