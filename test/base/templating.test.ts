import test from 'ava';
import { UsageError } from '../../src/base/errors.js';
import { render, renderArgv } from '../../src/base/templating.js';

test('a variable that is not there is an error that names it and the known ones', (t) => {
  const error = t.throws(() => render('make {{job}}', { jobs: 2, folder: '/x' }), { instanceOf: UsageError });
  t.is(error?.facts.tried, 'rendering the template "make {{job}}"');
  t.is(error?.facts.happened, 'there is no variable "job"');
  t.is(error?.facts.next, 'known here: folder, jobs');
});

test('so is one inside another', (t) => {
  const error = t.throws(() => render('{{artifact.qaoed}}', { artifact: { vblade: '/v' } }), {
    instanceOf: UsageError,
  });
  t.is(error?.facts.happened, 'there is no variable "qaoed"');
});

test('a template that does not parse is an error', (t) => {
  t.throws(() => render('{{#each x}}', { x: [] }), { instanceOf: UsageError });
});

test('nothing is escaped', (t) => {
  t.is(render('{{path}}', { path: `/a/<b>&'"` }), `/a/<b>&'"`);
});

test('numbers, false and names with dots', (t) => {
  t.is(
    render('{{n}} {{no}} {{artifact.[a.ko]}}', { n: 0, no: false, artifact: { 'a.ko': '/a.ko' } }),
    '0 false /a.ko',
  );
});

test('blocks and loops', (t) => {
  const text = '{{#if ro}}read-only\n{{/if}}{{#each exports}}{{slot}}@{{../iface}};{{/each}}';
  t.is(render(text, { ro: false, iface: 'eth0', exports: [{ slot: 1 }, { slot: 2 }] }), '1@eth0;2@eth0;');
});

test('arguments with a condition: unset, false, zero and empty leave them out', (t) => {
  const argv = ['a', { when: 'v', args: ['-v', '{{v}}'] }, 'z'];
  for (const v of [undefined, null, false, 0, '', []]) t.deepEqual(renderArgv(argv, { v }), ['a', 'z']);
  t.deepEqual(renderArgv(argv, {}), ['a', 'z']);
  t.deepEqual(renderArgv(argv, { v: 3 }), ['a', '-v', '3', 'z']);
});

test('of an array, arguments that name the item are repeated, others stand once', (t) => {
  const variables = { macs: ['m1', 'm2'], list: 'm1,m2' };
  t.deepEqual(renderArgv([{ when: 'macs', args: ['-m', '{{item}}'] }], variables), ['-m', 'm1', '-m', 'm2']);
  t.deepEqual(renderArgv([{ when: 'macs', args: ['-m', '{{list}}'] }], variables), ['-m', 'm1,m2']);
});

test('an argument with blanks stays one', (t) => {
  t.deepEqual(renderArgv(['x', '{{p}}'], { p: 'a b' }), ['x', 'a b']);
});
