// node check.mjs FOLDER [DASHBOARD...]
//
// Checks dashboards, by default those of this mixin: that they are what `dashboard.ts` says, and
// that their queries keep the rules below. What it needs is installed in FOLDER, as
// package-lock.json says, unless it is there.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, '../../..');

/** Installs what is pinned, where the folder does not hold it yet. */
export function install(folder) {
  const pinned = readFileSync(join(here, 'package-lock.json'), 'utf8');
  const done = join(folder, 'installed.json');
  if (existsSync(done) && readFileSync(done, 'utf8') === pinned) return;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(here, file), join(folder, file));
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (npm.status !== 0)
    throw new Error(
      `npm ci failed in ${folder}: are Node.js 20 and npm installed, and is the registry in reach?`,
    );
  // Last, so that an installation that was broken off is done again.
  copyFileSync(join(here, 'package-lock.json'), done);
}

/** What is wrong with dashboards of the form `{ name, text }`, a line each. */
export function problems(folder, dashboards) {
  const readable = [];
  const found = [];
  for (const { name, text } of dashboards) {
    try {
      readable.push({ name, text, dashboard: JSON.parse(text) });
    } catch (error) {
      found.push(`${name}: ${error.message}`);
    }
  }
  found.push(...wrongTypes(folder, readable));
  for (const { name, dashboard } of readable) {
    if (Array.isArray(dashboard.panels))
      found.push(...brokenRules(dashboard).map((problem) => `${name}: ${problem}`));
  }
  const uids = readable.map(({ dashboard }) => dashboard.uid);
  if (new Set(uids).size < uids.length)
    found.push(`two dashboards have one uid: ${uids.join(', ')}`);
  return found;
}

/** Lets the compiler judge each dashboard as an expression of the type, as `tsc --noEmit` would. */
function wrongTypes(folder, dashboards) {
  const ts = createRequire(join(folder, 'package.json'))('typescript');
  const options = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  // The files stand in the folder for the compiler only: there it finds Grafana's types.
  const place = (name) => join(folder, name).replaceAll('\\', '/');
  const files = new Map([
    [place('dashboard.ts'), readFileSync(join(here, 'dashboard.ts'), 'utf8')],
  ]);
  const names = new Map();
  for (const [index, { name, text }] of dashboards.entries()) {
    // On the first line and behind the end, so that the compiler counts lines as the file does.
    const code = `export default ${text.trimEnd()} satisfies Checked;\nimport type { Checked } from './dashboard';\n`;
    files.set(place(`dashboard-${index}.ts`), code);
    names.set(place(`dashboard-${index}.ts`), name);
  }
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) =>
    files.has(file)
      ? ts.createSourceFile(file, files.get(file), version)
      : getSourceFile(file, version, ...rest);
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    if (diagnostic.file === undefined) return message;
    const name = names.get(diagnostic.file.fileName) ?? relative(root, diagnostic.file.fileName);
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
    return `${name}:${line + 1}: ${message}`;
  });
}

/** A metric with what stands around it: function, name, matchers, range. */
const METRIC = /(\w+)?\(?\b(quell_\w+|up)\b(\{[^}]*\})?(?:\[([^\]]*)\])?/g;

/** What types cannot say: queries, numbers that must differ, pages that must exist. */
function brokenRules({ panels }) {
  const found = [];
  const twice = (values) => values.filter((value, index) => values.indexOf(value) < index);
  for (const id of twice(panels.map((panel) => panel.id)))
    found.push(`two panels have the id ${id}`);
  for (const title of twice(panels.map((panel) => panel.title)))
    found.push(`two panels are called "${title}"`);
  for (const [index, panel] of panels.entries()) {
    const say = (problem) => found.push(`"${panel.title}": ${problem}`);
    const covered = panels.slice(0, index).find((other) => overlap(other.gridPos, panel.gridPos));
    if (covered) say(`covers "${covered.title}"`);
    for (const page of panel.description?.match(/docs\/runbooks\/\w+\.md/g) ?? []) {
      if (!existsSync(join(root, page))) say(`names ${page}, which is not there`);
    }
    for (const ref of twice((panel.targets ?? []).map((target) => target.refId)))
      say(`two queries are ${ref}`);
    for (const { refId, expr } of panel.targets ?? []) {
      const metrics = [...String(expr).matchAll(METRIC)];
      if (metrics.length === 0) say(`${refId} asks for no metric of Quell`);
      for (const [, around, name, matchers = '', range] of metrics) {
        for (const matcher of ['job=~"$job"', 'instance=~"$instance"']) {
          if (!matchers.includes(matcher)) say(`${refId} asks for ${name} without ${matcher}`);
        }
        const counts = /_(total|count|sum|bucket)$/.test(name);
        // A counter alone says when its process was started last, and nothing else.
        if (counts && around !== 'rate' && around !== 'increase')
          say(`${refId} takes ${name} without rate or increase`);
        const ranges =
          around === 'increase' ? ['$__rate_interval', '$__range'] : ['$__rate_interval'];
        if (range !== undefined && !ranges.includes(range))
          say(`${refId} looks back over ${range}, not ${ranges.join(' or ')}`);
      }
    }
  }
  return found;
}

function overlap(a, b) {
  return a && b && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [folder, ...named] = process.argv.slice(2);
  if (folder === undefined) {
    console.error('usage: node check.mjs FOLDER [DASHBOARD...]');
    process.exit(2);
  }
  const shipped = join(here, '../dashboards');
  const files =
    named.length > 0
      ? named
      : readdirSync(shipped)
          .filter((name) => name.endsWith('.json'))
          .map((name) => join(shipped, name));
  install(resolve(folder));
  const dashboards = files.map((file) => ({
    name: relative(process.cwd(), file),
    text: readFileSync(file, 'utf8'),
  }));
  const found = problems(resolve(folder), dashboards);
  for (const problem of found) console.error(problem);
  if (found.length > 0 || files.length === 0) process.exit(1);
  console.log(`${files.length} dashboards: as Grafana and the rules of this mixin want them`);
}
