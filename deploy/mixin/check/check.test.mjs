// node check.test.mjs FOLDER
//
// What the check must find, and on which line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

import { install, problems } from './check.mjs';

const folder = resolve(process.argv[2]);
const shipped = readFileSync(
  new URL('../dashboards/pipeline-health.json', import.meta.url),
  'utf8',
);

/** Text to replace, text instead, what must be found. */
const BROKEN = [
  ['"title": "Waiting",', '"title": 7,', /:LINE: .*number.*string/s],
  ['"w": 6', '"w": "6"', /:LINE: .*string.*number/s],
  ['"editable": false', '"editable": true', /:LINE: .*true.*false/s],
  ['"refresh": 2', '"refresh": 9', /:LINE: .*9.*2/s],
  ['"mode": "absolute"', '"mode": "relative"', /:LINE: .*relative/s],
  ['"mode": "dashed"', '"mode": "dotted"', /:LINE: .*dotted/s],
  ['"unit": "cps"', '"unit": "contacts"', /:LINE: .*contacts/s],
  [
    '"schemaVersion": 38',
    '"schemaVersion": 38, "colour": "red"',
    /:LINE: .*'"colour"' does not exist/s,
  ],
  [
    '"title": "Waiting",',
    '"title": "Waiting", "descripton": "",',
    /:LINE: .*'"descripton"' does not exist/s,
  ],
  ['"lineWidth": 1', '"lineWidth": 1, "lineColr": 1', /:LINE: .*'"lineColr"' does not exist/s],
  ['"graphMode": "none"', '"graphMode": "none", "graph": 1', /:LINE: .*'"graph"' does not exist/s],
  ['"refId": "A"', '"refId": "A", "datasrc": 1', /:LINE: .*'"datasrc"' does not exist/s],
  ['"title": "Waiting",', '"title": "Waiting", "title": "Other",', /:LINE: .*same name/s],
  ['"uid": "$datasource"', '"uid": "prometheus-1"', /:LINE: .*prometheus-1/s],
  ['"title": "Waiting",', '', /'title'/],
  ['"schemaVersion": 38,', '"schemaVersion": 38,,', /JSON/],
  ['up{job=~\\"$job\\",', 'up{', /"Processes that answer": A asks for up without job/],
  [
    'instance=~\\"$instance\\"}[$__rate_interval]',
    'instance=\\"a\\"}[$__rate_interval]',
    /without instance=~"\$instance"/,
  ],
  ['}[$__rate_interval]', '}[5m]', /looks back over 5m/],
  [
    'sum by (outcome) (rate(',
    'sum by (outcome) (delta(',
    /quell_ingest_records_total without rate or increase/,
  ],
  ['"expr": "sum(up{', '"expr": "sum(node_load1{', /A asks for no metric of Quell/],
  [
    'runbooks/QuellStalled.md',
    'runbooks/QuellStaled.md',
    /names docs\/runbooks\/QuellStaled.md, which is not there/,
  ],
  ['"title": "Waiting"', '"title": "Bounds met"', /two panels are called "Bounds met"/],
  ['"id": 3,', '"id": 2,', /two panels have the id 2/],
  ['"x": 6, "y": 1', '"x": 5, "y": 1', /covers "Processes that answer"/],
];

test('what is shipped passes, and everything broken is found', () => {
  install(folder);
  const cases = BROKEN.map(([from, to, expected], index) => {
    assert.ok(shipped.includes(from), `${from} is no longer in the dashboard`);
    const line = shipped.slice(0, shipped.indexOf(from)).split('\n').length;
    const text = shipped.replace(from, () => to).replace('quell-pipeline-health', `quell-${index}`);
    return {
      name: `case-${index}`,
      text,
      expected: new RegExp(
        `^case-${index}${expected.source.replace('LINE', line).replace(/^(?!:)/, ':.*')}`,
        's',
      ),
    };
  });
  const found = problems(folder, [{ name: 'shipped', text: shipped }, ...cases]);
  for (const [index, { expected }] of cases.entries()) {
    assert.ok(
      found.some((problem) => expected.test(problem)),
      `${BROKEN[index][1]}: ${expected}\n${found.filter((problem) => problem.startsWith(`case-${index}:`)).join('\n')}`,
    );
  }
  assert.deepEqual(
    found.filter((problem) => !/^case-\d+:/.test(problem)),
    [],
  );
});

test('two dashboards with one uid are found', () => {
  const found = problems(folder, [
    { name: 'a', text: shipped },
    { name: 'b', text: shipped },
  ]);
  assert.deepEqual(found, [
    'two dashboards have one uid: quell-pipeline-health, quell-pipeline-health',
  ]);
});
