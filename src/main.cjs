#!/usr/bin/env node
// src/main.ts is a link to this file: Node.js before 22.18 loads no file that ends in .ts, but it loads what such a link
// leads to, if that is CommonJS. The build makes dist/main.js of the same text. Nothing newer than Node.js 12 may stand here.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  import('./cli/run.ts').then(({ runProcess }) => runProcess());
} else {
  process.stderr.write(
    `framekeeper needs Node.js 22.19 or newer and runs on ${process.versions.node}; in its checkout, "npm ci" installs one, which "npm start" uses. The single executable has its own.\n`,
  );
  process.exitCode = 1;
}
