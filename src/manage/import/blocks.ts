/** qaoed's configuration language: `name = value;`, `name { … }`, comments in two styles (rcfg/readconf.c). */
import type { Place, Remark } from './found.js';

export interface Assigned extends Place {
  name: string;
  value: string;
}

export interface Block extends Place {
  name: string;
  assigned: Assigned[];
  blocks: Block[];
}

interface Token extends Place {
  text: string;
  isQuoted: boolean;
}

/** Blocks deeper than any configuration has: random text must not exhaust the stack. */
const DEEPEST = 16;

/** @returns the file as a block without a name, and what qaoed would refuse it for */
export function parseBlocks(file: string, text: string): { root: Block; faults: Remark[] } {
  const remarks: Remark[] = [];
  const tokens = tokenize(file, text, remarks);
  const root: Block = { file, line: 1, name: '', assigned: [], blocks: [] };
  const open: Block[] = [root];
  let index = 0;
  const symbol = (at: number): string | undefined => {
    const token = tokens[at];
    return token === undefined || token.isQuoted ? undefined : token.text;
  };
  while (index < tokens.length) {
    const token = tokens[index] as Token;
    const inside = open[open.length - 1] as Block;
    const { file: _, line = 1 } = token;
    if (symbol(index) === '}') {
      if (open.length > 1) open.pop();
      else remarks.push({ file, line, text: '} closes nothing' });
      index++;
    } else if (symbol(index) === ';') {
      index++;
    } else if (symbol(index + 1) === '{') {
      const block: Block = { file, line, name: token.text, assigned: [], blocks: [] };
      if (open.length > DEEPEST) remarks.push({ file, line, text: `${token.text} { is nested too deep` });
      else inside.blocks.push(block);
      open.push(block);
      index += 2;
    } else if (symbol(index + 1) === '=' && index + 2 < tokens.length) {
      inside.assigned.push({ file, line, name: token.text, value: (tokens[index + 2] as Token).text });
      index += 3;
      if (symbol(index) === ';') index++;
      else remarks.push({ file, line, text: `${token.text} = … does not end with ;` });
    } else {
      remarks.push({ file, line, text: `neither a setting nor a block: ${token.text}` });
      index++;
    }
  }
  for (const { name, line } of open.slice(1)) {
    remarks.push({ file, ...(line === undefined ? {} : { line }), text: `${name} { is never closed` });
  }
  return { root, faults: remarks };
}

/** It reads lines of up to 398 bytes, and ends words at these also within quotes. */
const LONGEST = 398;
const BREAKING = /[#;={}]/;

const TOKEN = /\/\*[\s\S]*?(?:\*\/|$)|#[^\n]*|"([^"\n]*)"?|[={};]|[^\s={};#"]+/g;

function tokenize(file: string, text: string, remarks: Remark[]): Token[] {
  const tokens: Token[] = [];
  const long = text.split('\n').findIndex((one) => Buffer.byteLength(one) > LONGEST);
  if (long >= 0) remarks.push({ file, line: long + 1, text: `the line is longer than ${LONGEST} bytes` });
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [all, quoted] = match;
    for (; counted < match.index; counted++) if (text[counted] === '\n') line++;
    if (all.startsWith('/*')) {
      if (all.length < 4 || !all.endsWith('*/'))
        remarks.push({ file, line, text: 'the comment is never closed' });
      continue;
    }
    if (all.startsWith('#')) continue;
    if (quoted !== undefined && (BREAKING.test(quoted) || !all.endsWith('"') || all.length < 2)) {
      remarks.push({ file, line, text: `${all} would be read in pieces` });
    }
    tokens.push({ file, line, text: quoted ?? all, isQuoted: quoted !== undefined });
  }
  return tokens;
}
